"""Program: two replicas with a batch each do what one device does with both.

    python two_replicas.py NAME ...

for cases by their names, and for "distillation". It prints "equal".
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from tfssl.training import devices

if __name__ == "__main__":
    devices.set_up("float32", virtual_devices=2)

import cases
from cases import batch, images, make

import tfssl


def distillation():
    """With labels for some: see `labels`."""
    student, teacher = (tfssl.transfer.classifier(cases.encoder(), 3) for _ in range(2))
    kernel = teacher.layers[-1].kernel
    kernel.assign(np.random.default_rng(0).normal(0, 3, kernel.shape))
    return tfssl.transfer.Distillation(
        student, teacher, views=cases.one_view(), alpha=0.25
    )


def labels(seed):
    """Of 16 images, the first 8 to the first replica: 8 and 3 known; 1 and 0; none."""
    known = np.arange(16) < {0: 11, 1: 1, 2: 0}[seed]
    return np.where(known, np.arange(16) % 3, -1).astype("int32")


def main(names):
    strategy = devices.strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    for name in names:
        batches = [element(name, seed) for seed in range(3)]
        models = []
        for where in (None, strategy):
            with devices.scope(where):
                models.append(make(name, optimizer=keras.optimizers.SGD(1.0)))
                # Those that replicas draw of patches are not those of one device.
                models[-1].patch_views = None
        start = models[0].get_weights()
        # One step at rate 1 moves by the gradient; then three at a low rate, so that
        # rounding does not grow: at .1, on one device, a change of Deep InfoMax's
        # weights by 1e-7 becomes one of .08 of their moves.
        for epoch, rate in ((batches[:1], 1.0), (batches, 0.01)):
            (loss, moves), (loss_of_two, moves_of_two) = (
                fit(model, start, epoch, rate) for model in models
            )
            np.testing.assert_allclose(loss_of_two, loss, rtol=1e-5, err_msg=name)
            for w, a, b in zip(models[0].weights, moves_of_two, moves, strict=True):
                scale = max(np.abs(b).max(), 1e-3)
                np.testing.assert_allclose(
                    a / scale,
                    b / scale,
                    atol=1e-4 * len(epoch),
                    err_msg=f"{name} {w.path}",
                )
    print("equal")


def element(name, seed):
    """One batch of ready-made views."""
    model = make(name)
    views = [np.array(v) for v in batch(model, images(16, seed=seed), seed=seed)]
    index = {"index": views.pop()} if model.needs_index else {}
    data = {"views": tuple(views), **index}
    return (data, labels(seed)) if name == "distillation" else data


def fit(model, start, epoch, rate):
    """The loss, and how far each weight moves from its start."""
    model.set_weights(start)
    model.optimizer.learning_rate.assign(rate)
    # Not from a generator: the end of one waits long for its threads.
    steps = tf.nest.map_structure(lambda *batches: np.stack(batches), *epoch)
    data = tf.data.Dataset.from_tensor_slices(steps)
    loss = model.fit(data, epochs=1, verbose=0).history["loss"]
    return loss, [np.asarray(w) - b for w, b in zip(model.weights, start, strict=True)]


if __name__ == "__main__":
    cases.COMPARED["distillation"] = distillation
    main(sys.argv[1:])

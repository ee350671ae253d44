"""Program: two replicas with a batch each do what one device does with both.

    python two_replicas.py NAME ...

for cases by their names. It prints "equal".
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from tfssl.training import devices

if __name__ == "__main__":
    devices.set_up("float32", virtual_devices=2)

from cases import batch, images, make


def main(names):
    strategy = devices.strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    for name in names:
        batches = [element(name, seed) for seed in range(3)]
        models = []
        for where in (None, strategy):
            with devices.scope(where):
                models.append(make(name, optimizer=keras.optimizers.SGD(1.0)))
        start = models[0].get_weights()
        # One step at rate 1 moves by the gradient; then three at a lower rate.
        for epoch, rate in ((batches[:1], 1.0), (batches, 0.1)):
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
    return {"views": tuple(views), **index}


def fit(model, start, epoch, rate):
    """The loss, and how far each weight moves from its start."""
    model.set_weights(start)
    model.optimizer.learning_rate.assign(rate)
    data = tf.data.Dataset.from_generator(
        # Copies: under a strategy TensorFlow writes over the generator's memory.
        lambda: (tf.nest.map_structure(np.copy, batch) for batch in epoch),
        output_signature=tf.nest.map_structure(
            lambda v: tf.TensorSpec(v.shape, v.dtype), epoch[0]
        ),
    )
    loss = model.fit(data, epochs=1, verbose=0).history["loss"]
    return loss, [np.asarray(w) - b for w, b in zip(model.weights, start, strict=True)]


if __name__ == "__main__":
    main(sys.argv[1:])

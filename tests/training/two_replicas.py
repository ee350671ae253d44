"""Program: replicas with a part of a batch each do what one device does with it.

    python two_replicas.py [--fault=NAME] [--devices=N] CASE ...

for cases by their names, and for "distillation". It prints "equal". A fault is planted
to show that it is found. On TensorFlow the replicas are of `tf.distribute`, on JAX they
are devices of `keras.distribution`; with `TF_CONFIG` set each of its workers is one.

What rounding does is measured, not assumed: processors differ. The one device also
starts from weights that are changed by 1e-7 of their size; two replicas may differ from
it by 30 times as much as that does, and no more than any fault would.
"""

import contextlib
import os
import sys
import types

import keras
import numpy as np

from tfssl import runs

OPTIONS = dict(a[2:].split("=") for a in sys.argv[1:] if a.startswith("--"))
NAMES = [a for a in sys.argv[1:] if not a.startswith("--")]
DEVICES = int(OPTIONS.get("devices", 2))
WORKERS = "TF_CONFIG" in os.environ

if __name__ == "__main__":
    runs.set_up("float32", virtual_devices=0 if WORKERS else DEVICES)
    # Before anything else is made, as several workers need it.
    strategy = runs.strategy("multi_worker" if WORKERS else "mirrored")

import cases  # noqa: E402
from cases import batch, images, make  # noqa: E402

import tfssl  # noqa: E402
from tfssl import replicas  # noqa: E402

TENSORFLOW = keras.backend.backend() == "tensorflow"
# Of the largest move of a weight.
ROUNDING, LARGEST = 1e-4, 0.02
# Weights to begin with, of which the first counts that rounding leaves alone, and how
# often that is tried.
STARTS, CHANGES = 3, 3


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


def own_rows_only(x):
    return x


def rows_of_the_first(rows):
    return rows[: keras.ops.shape(rows)[0] // replicas.count()]


def first_places(model, *counts):
    return keras.ops.arange(sum(counts), dtype="int32")


def without_scaling():
    from tfssl.training import tensorflow

    tensorflow.replicas = types.SimpleNamespace(count=lambda: 1)


FAULTS = {
    # Others' images are no negatives, and normalisation sees its own batch.
    "no_gather": lambda: setattr(replicas, "gather", own_rows_only),
    # Gradients add up to twice the mean.
    "no_scaling": without_scaling,
    # Each replica draws what the first one draws.
    "same_draws": lambda: setattr(replicas, "own", rows_of_the_first),
    "same_views": lambda: setattr(tfssl.training.Trainer, "places", first_places),
}


def main(names, strategy):
    if TENSORFLOW:
        assert strategy.num_replicas_in_sync == DEVICES
    else:
        assert strategy.num_model_replicas == DEVICES
        # Of the process; here it is only that of its scope.
        keras.distribution.set_distribution(None)
    for name in names:
        if not trains_here(name):
            print(name, "takes TensorFlow")
            continue
        # From where a ReLU is at its kink, rounding grows to anything.
        if not any(compare(name, start, strategy) for start in range(STARTS)):
            raise AssertionError(f"{name}: rounding grows from every start")
    print("equal")


def compare(name, seed, strategy):
    """Compares from one start; False if rounding grows too much from there to say."""
    batches = [element(name, seed) for seed in range(3)]
    models = []
    for where in (None, strategy):
        with runs.scope(where):
            models.append(make(name, seed, keras.optimizers.SGD(1.0)))
    one, two = models
    start = one.get_weights()
    plain = evaluated(one, start, batches)
    with contextlib.nullcontext() if TENSORFLOW else strategy.scope():
        shared_out = evaluated(two, start, batches)
    np.testing.assert_allclose(shared_out, plain, rtol=1e-4, err_msg=name)
    # One step at rate 1 moves by the gradient; then three at a low rate.
    epochs = ((batches[:1], 1.0), (batches, 0.001))
    expected, bounds = [], []
    for epoch, rate in epochs:
        expected.append(fit(one, start, epoch, rate))
        growth = 0.0
        for number in range(CHANGES):
            _, moves = fit(one, rounded(start, number), epoch, rate)
            growth = max(growth, *map(difference, moves, expected[-1][1]))
        bounds.append(max(ROUNDING * len(epoch), 30 * growth))
    if max(bounds) >= LARGEST:
        print(name, f"from start {seed} rounding grows to {max(bounds) / 30:.1e}")
        return False
    for (epoch, rate), (loss, moves), bound in zip(
        epochs, expected, bounds, strict=True
    ):
        with contextlib.nullcontext() if TENSORFLOW else strategy.scope():
            loss_of_two, moves_of_two = fit(two, start, epoch, rate)
        np.testing.assert_allclose(loss_of_two, loss, rtol=1e-4, err_msg=name)
        for w, a, b in zip(one.weights, moves_of_two, moves, strict=True):
            found = difference(a, b)
            assert found < bound, f"{name} {w.path}: {found:.2g} > {bound:.2g}"
        print(name, f"{max(map(difference, moves_of_two, moves)):.1e}", f"{bound:.1e}")
    return True


def rounded(weights, number):
    """Weights that rounding may have made of these."""
    random = np.random.default_rng(number)
    return [
        w * (1 + 1e-7 * random.choice([-1, 1], w.shape)) if w.dtype == "float32" else w
        for w in weights
    ]


def trains_here(name):
    """Whether it trains on this backend."""
    try:
        make(name)
    except ValueError as error:
        if "trains on TensorFlow only" not in str(error):
            raise
        return False
    return True


def difference(move, expected):
    """The largest difference, as a fraction of the largest move."""
    return np.abs(move - expected).max() / max(np.abs(expected).max(), 1e-3)


def element(name, seed):
    """One batch of ready-made views; `replicas_draw_and_clip.py` compares views."""
    model = make(name)
    made = batch(model, images(16, seed=seed), seed=seed)
    index = {"index": np.asarray(made.index)} if model.needs_index else {}
    data = {"views": tuple(np.array(view) for view in made.views), **index}
    if model.needs_labels:
        *data["views"], data["labelled"] = data["views"]
        data.update(views=tuple(data["views"]), labels=np.array(made.labels))
    return (data, labels(seed)) if name == "distillation" else data


def fit(model, start, epoch, rate):
    """The loss, and how far each weight moves from its start."""
    model.set_weights(start)
    model.optimizer.learning_rate.assign(rate)
    history = model.fit(steps(epoch), epochs=1, shuffle=False, verbose=0).history
    return history["loss"], [
        np.asarray(w) - b for w, b in zip(model.weights, start, strict=True)
    ]


def evaluated(model, start, epoch):
    """The loss of images that are held out; nothing moves."""
    model.set_weights(start)
    loss = model.evaluate(steps(epoch), verbose=0, return_dict=True)["loss"]
    for w, before in zip(model.weights, start, strict=True):
        np.testing.assert_array_equal(np.asarray(w), before, err_msg=w.path)
    return loss


def steps(epoch):
    """Batches as a data set."""
    if not TENSORFLOW:
        return Steps(epoch)
    import tensorflow as tf

    # Not from a generator: the end of one waits long for its threads.
    arrays = keras.tree.map_structure(lambda *batches: np.stack(batches), *epoch)
    return tf.data.Dataset.from_tensor_slices(arrays)


class Steps(keras.utils.PyDataset):
    """Batches that are there."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        batch = self.batches[index]
        return batch if isinstance(batch, tuple) else (batch,)


if __name__ == "__main__":
    cases.COMPARED["distillation"] = distillation
    if "fault" in OPTIONS:
        FAULTS[OPTIONS["fault"]]()
    main(NAMES, strategy)

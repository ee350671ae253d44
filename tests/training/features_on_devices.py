"""Program: what can be switched on gives the losses of a plain run, on any devices.

    python features_on_devices.py --devices=N [FEATURE ...]

Each of FEATURES is a run of two epochs on the devices; it ends near the losses of one
device in float32 with nothing switched on, or is refused, as REFUSED says. With
`TF_CONFIG` set each worker is one of the devices. It prints "fine".

Rounding is not the same in every run, and from some starts it grows to a thousandth of
the loss within these steps. The first start counts from which it does not.
"""

import os
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest

from tfssl import runs

OPTIONS = dict(a[2:].split("=") for a in sys.argv[1:] if a.startswith("--"))
NAMES = [a for a in sys.argv[1:] if not a.startswith("--")]
DEVICES = int(OPTIONS.get("devices", 2))
WORKERS = "TF_CONFIG" in os.environ
TENSORFLOW = keras.backend.backend() == "tensorflow"

if __name__ == "__main__":
    runs.set_up("float32", virtual_devices=0 if WORKERS or DEVICES == 1 else DEVICES)
    kind = "multi_worker" if WORKERS else "mirrored" if DEVICES > 1 else "one"
    strategy = runs.strategy(kind)
    if not TENSORFLOW:
        # Of the process; here it is only that of its scope.
        keras.distribution.set_distribution(None)

import cases  # noqa: E402
from PIL import Image  # noqa: E402

import tfssl  # noqa: E402
from tfssl.runs.checkpoints import (  # noqa: E402
    Checkpoints,
    GoOnWithMeans,
    SaveStates,
)

IMAGES = cases.images(48)
EPOCHS = 2
# Seeds of the weights; how far a change of 1e-6 of them may move the losses.
STARTS = (2, 3, 1, 0)
STEADY = 1e-5
start = STARTS[0]


def fit(
    where,
    x=IMAGES,
    policy="float32",
    callbacks=(),
    states=None,
    changed=None,
    **options,
):
    """The losses of a run's epochs, of those that are left after the newest state.

    With `changed`, a seed, the weights to begin with are changed as rounding might.
    """
    keras.utils.set_random_seed(start)
    keras.config.set_dtype_policy(policy)
    with runs.scope(where):
        optimizer = keras.optimizers.SGD(0.01)
        if policy == "mixed_float16":
            # Keras would begin with 2^15, and leave out steps until it is small enough.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 256.0)
        model = tfssl.methods.SimCLR(cases.patch_encoder(cases.SIZE), cases.views())
        model.compile(optimizer, **options)
        if changed is not None:
            noise = np.random.default_rng(changed).normal
            model.set_weights(
                [w * (1 + 1e-6 * noise(size=w.shape)) for w in model.get_weights()]
            )
        position = runs.START if states is None else states.restore(model)
        return model.fit(
            x,
            batch_size=16,
            epochs=EPOCHS,
            initial_epoch=position.epoch,
            initial_step=position.step,
            callbacks=[*callbacks, GoOnWithMeans(position)],
            verbose=0,
        ).history["loss"]


def steady():
    """The losses of one device, from the first start that rounding leaves alone."""
    global start
    for start in STARTS:
        expected = fit(None)
        moved = [np.abs(np.subtract(fit(None, changed=n), expected)) for n in range(4)]
        print(f"from start {start} rounding grows to {np.max(moved):.1e}")
        if np.max(moved) < STEADY * expected[0]:
            return expected
    raise AssertionError("rounding grows from every start")


class Ended(Exception):
    """Ends a run."""


class End(keras.callbacks.Callback):
    """Ends a run after a step of its second epoch, whose state is saved then."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (1, 1):
            raise Ended


def going_on(where):
    """The loss of the second epoch, which another run has begun."""
    # Each worker has a folder of its own.
    with tempfile.TemporaryDirectory() as folder:
        states = Checkpoints(folder)
        with pytest.raises(Ended):
            fit(where, callbacks=[SaveStates(states, runs.START, 0), End()])
        assert (Path(folder) / "epoch-000001-step-000000001.json").exists()
        losses = fit(where, states=states)
    assert len(losses) == 1
    return losses


def streamed(where):
    """The losses on images that are read when they are needed."""
    with tempfile.TemporaryDirectory() as folder:
        for number, image in enumerate(IMAGES):
            Image.fromarray(image).save(Path(folder) / f"{number:02}.png")
        data = tfssl.data.load(f"folder:{folder}", image_size=cases.SIZE, stream=True)
        return fit(where, data.images)


# What is run, and how near it comes to the plain run.
FEATURES = {
    "plain": (fit, 1e-4),
    "bfloat16": (lambda where: fit(where, policy="mixed_bfloat16"), 0.03),
    "float16": (lambda where: fit(where, policy="mixed_float16"), 0.03),
    "several_steps": (lambda where: fit(where, steps_per_execution=3), 1e-4),
    "chunk": (lambda where: fit(where, chunk=4), 1e-4),
    "going_on": (going_on, 1e-4),
    "streamed": (streamed, 1e-4),
}
# Their rounding is so large that only the first epoch's loss says something.
HALF = ("bfloat16", "float16")
REFUSED = {}
if TENSORFLOW and DEVICES > 1:
    REFUSED["several_steps"] = f"steps_per_execution=3 on {DEVICES} replicas"


def main(names):
    expected = steady()
    assert len(expected) == EPOCHS and expected[0] != expected[1]
    for name in names or FEATURES:
        run, tolerance = FEATURES[name]
        if name in REFUSED:
            with pytest.raises(ValueError, match=REFUSED[name]):
                run(strategy)
            print(name, "refused")
            continue
        losses = run(strategy)
        assert np.isfinite(losses).all(), f"{name}: {losses}"
        found = np.abs(np.subtract(losses, expected[-len(losses) :]))
        found = found[0] if name in HALF else found.max()
        print(name, losses, f"{found:.1e}")
        # All that is known of it: a program's output is not shown when it fails.
        said = f"{name}: {losses} for {expected} on one device, plainly"
        assert found < tolerance * expected[0], said
    print("fine")


if __name__ == "__main__":
    main(NAMES)

"""Two replicas with a batch each equal one device with both, for every method."""

import subprocess
import sys
from pathlib import Path

import pytest
from cases import CASES

PROGRAM = """
import sys
import keras, numpy as np, tensorflow as tf
from tfssl.training import devices
devices.set_up("float32", virtual_devices=2)
from cases import batch, images, make

def element(name, seed):
    model = make(name)
    views = [np.array(v) for v in batch(model, images(16, seed=seed), seed=seed)]
    index = {"index": views.pop()} if model.needs_index else {}
    return {"views": tuple(views), **index}

def run(name, strategy, epoch, rate):
    with devices.scope(strategy):
        model = make(name, optimizer=keras.optimizers.SGD(rate))
    start = [np.asarray(w) for w in model.weights]
    data = tf.data.Dataset.from_generator(
        # Copies: under a strategy TensorFlow writes over the generator's memory.
        lambda: (tf.nest.map_structure(np.copy, batch) for batch in epoch),
        output_signature=tf.nest.map_structure(
            lambda v: tf.TensorSpec(v.shape, v.dtype), epoch[0]),
    )
    losses = model.fit(data, epochs=1, verbose=0).history["loss"]
    return losses, [np.asarray(w) for w in model.weights], start, model.weights

strategy = devices.strategy("mirrored")
assert strategy.num_replicas_in_sync == 2
for name in sys.argv[1:]:
    batches = [element(name, seed) for seed in range(3)]
    for steps, rate in ((1, 1.0), (3, 0.1)):
        one = run(name, None, batches[:steps], rate)
        two = run(name, strategy, batches[:steps], rate)
        np.testing.assert_allclose(two[0], one[0], rtol=1e-5, err_msg=name)
        for one_after, one_before, two_after, two_before, w in zip(
                *one[1:3], *two[1:], strict=True):
            # One step at rate 1: the difference to the start is the gradient.
            moved, expected = two_after - two_before, one_after - one_before
            scale = max(np.abs(expected).max(), 1e-3)
            np.testing.assert_allclose(
                moved / scale, expected / scale, atol=1e-4 * steps,
                err_msg=f"{name} {w.path}")
print("equal")
"""


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_two_replicas_equal_one_device(half):
    """Half of the methods in one process: starting takes longer than testing."""
    pytest.importorskip("tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *sorted(CASES)[half::2]],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert "equal" in done.stdout, done.stderr[-4000:]


def environment():
    import os

    root = Path(__file__).parents[2]
    paths = [str(root), str(root / "tests" / "methods")]
    return {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": ":".join(paths)}


VIEWS = """
import keras, numpy as np, tensorflow as tf
from tfssl.training import devices
devices.set_up("float32", virtual_devices=2)
from cases import images, make

strategy = devices.strategy("auto")
with strategy.scope():
    model = make("simclr")
same = tf.constant(np.repeat(images(1), 8, axis=0))
run = strategy.run(lambda: model.views_of(same)[0])
a, b = (np.asarray(v) for v in strategy.experimental_local_results(run))
assert a.shape == b.shape and not np.allclose(a, b)
model.fit(images(32), batch_size=16, epochs=1, verbose=0)
assert keras.ops.convert_to_numpy(model.step) == 2

clipped = keras.optimizers.SGD(1.0, global_clipnorm=1e-3)
with strategy.scope():
    model = make("simclr", optimizer=clipped)
before = [np.asarray(w) for w in model.trainable_weights]
model.fit(images(16), batch_size=16, epochs=1, verbose=0)
moved = [np.asarray(w) - b for w, b in zip(model.trainable_weights, before)]
norm = np.sqrt(sum(np.sum(m**2) for m in moved))
np.testing.assert_allclose(norm, 1e-3, rtol=1e-3)
print("fine")
"""


@pytest.mark.slow
def test_replicas_draw_their_own_views_and_clip_the_sum():
    pytest.importorskip("tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", VIEWS], capture_output=True, text=True, env=environment()
    )
    assert "fine" in done.stdout, done.stderr[-4000:]

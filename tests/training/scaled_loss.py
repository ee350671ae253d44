"""Program: a loss that is scaled against underflow gives the same steps.

    python scaled_loss.py CASE ...

A constant scale changes nothing but rounding; in float16, with a scale that adapts
itself, weights stay near those of float32. It prints "fine".
"""

import sys

import keras
import numpy as np
from cases import data, images, make


def steps(name, policy="float32", start=None, **scale):
    """The weights before a step, its loss, and how far each weight moves."""
    keras.config.set_dtype_policy(policy)
    optimizer = keras.optimizers.SGD(0.01, **scale)
    if policy == "mixed_float16":
        # Keras would begin with 2^15, and leave out steps until it is small enough.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=256.0)
    model = make(name, optimizer=optimizer)
    if start is not None:
        model.set_weights(start)
    start = model.get_weights()
    before = [keras.ops.convert_to_numpy(w) for w in model.trainable_weights]
    feed = {"batch_size": 16, "epochs": 1, "shuffle": False, "verbose": 0}
    loss = model.fit(*data(model, images(16)), **feed).history["loss"]
    moved = [
        keras.ops.convert_to_numpy(w) - b
        for w, b in zip(model.trainable_weights, before, strict=True)
    ]
    return start, loss, np.concatenate([move.ravel() for move in moved])


for case in sys.argv[1:]:
    start, expected_loss, expected = steps(case)
    _, loss, moved = steps(case, start=start, loss_scale_factor=64.0)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-4, err_msg=case)
    size = np.linalg.norm(expected)
    assert np.linalg.norm(moved - expected) < 0.01 * size, case
    _, loss, moved = steps(case, "mixed_float16", start)
    np.testing.assert_allclose(loss, expected_loss, rtol=0.02, err_msg=case)
    alike = moved @ expected / (np.linalg.norm(moved) * size)
    print(case, alike, np.linalg.norm(moved) / size)
    assert alike > 0.9 and 0.8 < np.linalg.norm(moved) / size < 1.25, case
print("fine")

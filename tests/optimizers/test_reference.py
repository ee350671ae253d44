"""LAMB, AdamW and SGDW of Keras beside those of tensorflow-addons, which they replace.

The values are of references/make_tensorflow_addons.py: weights after each of 5 steps.
"""

import pathlib

import keras
import numpy as np
import pytest

PATH = pathlib.Path(__file__).parents[1] / "references" / "tensorflow_addons.npz"


@pytest.fixture(scope="module")
def reference():
    return np.load(PATH)


def steps(optimizer, reference):
    """Weights after each step along the reference's gradients."""
    weights = keras.Variable(reference["weights"])
    optimizer.build([weights])
    path = []
    for gradient in reference["gradients"]:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        path.append(keras.ops.convert_to_numpy(weights.value))
    return np.stack(path)


def test_lamb(reference):
    """Keras adds epsilon in the same place: beside the root, after bias correction."""
    optimizer = keras.optimizers.Lamb(float(reference["learning_rate"]), epsilon=1e-6)
    np.testing.assert_allclose(
        steps(optimizer, reference), reference["lamb"], rtol=1e-5, atol=1e-6
    )


def test_lamb_decays_beside_the_trust_ratio(reference):
    """tensorflow-addons adds the decay to the update before the trust ratio is taken,
    as in the paper (You et al. 2019, arXiv 1904.00962, algorithm 2). Keras takes it off
    the weights first, by learning rate x decay, and the update has no part of it."""
    rate, decay = float(reference["learning_rate"]), float(reference["weight_decay"])
    ours = steps(
        keras.optimizers.Lamb(rate, epsilon=1e-6, weight_decay=decay), reference
    )
    start, gradient = reference["weights"], reference["gradients"][0]
    # After the first step the two moments, corrected, are the gradient and its square.
    update = gradient / (np.abs(gradient) + 1e-6)

    def step(weights, update):
        ratio = np.linalg.norm(weights) / np.linalg.norm(update)
        return weights - rate * ratio * update

    np.testing.assert_allclose(
        reference["lamb_decay"][0], step(start, update + decay * start), atol=1e-6
    )
    np.testing.assert_allclose(
        ours[0], step(start * (1 - rate * decay), update), atol=1e-6
    )
    assert np.abs(ours - reference["lamb_decay"]).max() > 1e-4


@pytest.mark.parametrize(
    "name, make, arguments",
    [
        ("adamw", keras.optimizers.AdamW, {"epsilon": 1e-7}),
        ("sgdw", keras.optimizers.SGD, {"momentum": 0.9}),
    ],
)
def test_decoupled_decay(reference, name, make, arguments):
    """The decay of tensorflow-addons is not multiplied by the learning rate: the same
    path takes `weight_decay = learning_rate * decay` there."""
    optimizer = make(
        float(reference["learning_rate"]),
        weight_decay=float(reference["weight_decay"]),
        **arguments,
    )
    np.testing.assert_allclose(
        steps(optimizer, reference), reference[name], rtol=1e-5, atol=1e-6
    )

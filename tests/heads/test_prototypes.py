"""Prototype heads; references are lightly's."""

from pathlib import Path

import keras
import numpy as np
import pytest
from gradients import gradient_of
from keras import ops

from tfssl import heads

FILE = Path(__file__).parents[1] / "references" / "lightly_clustering.npz"


def numpy(x):
    return ops.convert_to_numpy(x)


def test_outputs_and_gradients_of_lightly():
    reference = dict(np.load(FILE))
    head = heads.prototype_head(4, (8, 8, 5), count=10)
    for number in (1, 2, 3):
        layer = head.get_layer(f"linear_{number}")
        layer.kernel.assign(reference[f"kernel_{number}"])
        layer.bias.assign(reference[f"bias_{number}"])
    head.layers[-1].kernel.assign(reference["last_kernel"])
    x = reference["features"]
    np.testing.assert_allclose(numpy(head(x)), reference["outputs"], atol=1e-5)

    def loss_of(kernel, layer):
        variables = [(layer.kernel, kernel)]
        with keras.StatelessScope(variables):
            return ops.sum(head(x) * reference["output_weights"])

    for name, layer in (("kernel_1", head.layers[0]), ("last_kernel", head.layers[-1])):
        kernel = reference[name]
        gradient = gradient_of(lambda k, layer=layer: loss_of(k, layer), kernel)
        expected = reference[f"{name}_gradient"]
        np.testing.assert_allclose(gradient, expected, atol=1e-5, err_msg=name)


def test_lengths_do_not_matter_and_gains_do():
    layer = heads.Prototypes(6, learned_gain=True)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    y = numpy(layer(x))
    assert np.abs(y).max() <= 1
    layer.kernel.assign(3 * numpy(layer.kernel))
    np.testing.assert_allclose(numpy(layer(2 * x)), y, atol=1e-5)
    layer.gain.assign(np.arange(6))
    np.testing.assert_allclose(numpy(layer(x)), y * np.arange(6), atol=1e-5)


def test_zero_embeddings_have_a_finite_gradient():
    layer = heads.Prototypes(6)
    layer.build((None, 4))
    zero = np.zeros((3, 4), "float32")
    gradient = gradient_of(lambda x: ops.sum(layer(x)), zero)
    assert np.isfinite(gradient).all()


def test_unit_prototypes_stay_so_under_an_optimizer():
    layer = heads.prototype_layer(4, 6)
    assert len(layer.trainable_weights) == 1
    optimizer = keras.optimizers.SGD(0.5)
    gradient = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    before = numpy(layer.kernel)
    optimizer.build([layer.kernel])
    optimizer.apply([gradient], [layer.kernel])
    moved = before - 0.5 * gradient
    expected = moved / np.linalg.norm(moved, axis=0)
    np.testing.assert_allclose(numpy(layer.kernel), expected, atol=1e-5)


def test_precision_and_mistakes():
    keras.config.set_dtype_policy("mixed_bfloat16")
    head = heads.prototype_head(4, (8, 5), count=10)
    assert "float32" in str(head(np.ones((2, 4), "float32")).dtype)
    with pytest.raises(ValueError, match=r"at least one layer.*widths=\(\)"):
        heads.prototype_head(4, ())
    with pytest.raises(ValueError, match="count must be.*count=0"):
        heads.prototype_head(4, (8,), count=0)
    with pytest.raises(ValueError, match="A head must be.*Received: 128"):
        heads.as_prototype_head(128, 4, 10)

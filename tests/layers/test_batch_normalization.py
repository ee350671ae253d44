import keras
import numpy as np
import pytest
from keras import ops

from tfssl.layers import BatchNormalization


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("shape", [(16, 5), (6, 3, 5), (4, 3, 2, 5), (2, 3, 2, 2, 5)])
@pytest.mark.parametrize("parts", [{}, {"center": False}, {"scale": False}])
def test_training_and_inference_follow_the_definition(shape, parts):
    random = np.random.default_rng(0)
    x = random.normal(3.0, 2.0, shape).astype("float32")
    layer = BatchNormalization(**parts)
    layer.build((None, *shape[1:]))
    gamma, beta = random.uniform(0.5, 2, 5), random.normal(size=5)
    if layer.gamma is None:
        gamma = 1.0
    else:
        layer.gamma.assign(gamma)
    if layer.beta is None:
        beta = 0.0
    else:
        layer.beta.assign(beta)
    axes = tuple(range(len(shape) - 1))
    mean, variance = x.mean(axes), x.var(axes)
    expected = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
    np.testing.assert_allclose(numpy(layer(x, training=True)), expected, atol=1e-5)

    # The biased variance moves, as in Keras.
    moved_mean, moved_variance = 0.1 * mean, 0.9 + 0.1 * variance
    np.testing.assert_allclose(numpy(layer.moving_mean), moved_mean, rtol=1e-5)
    np.testing.assert_allclose(numpy(layer.moving_variance), moved_variance, rtol=1e-5)
    expected = gamma * (x - moved_mean) / np.sqrt(moved_variance + 1e-5) + beta
    np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-5)


def test_frozen_it_uses_and_keeps_the_moving_statistics():
    layer = BatchNormalization()
    layer.build((None, 3))
    layer.trainable = False
    x = np.full((4, 3), 7.0, "float32")
    np.testing.assert_allclose(numpy(layer(x, training=True)), 7 / np.sqrt(1 + 1e-5))
    assert numpy(layer.moving_mean).tolist() == [0, 0, 0]


def test_half_precision_goes_through_float32_statistics():
    layer = BatchNormalization(dtype="mixed_bfloat16")
    x = np.random.default_rng(0).normal(100.0, 1.0, (64, 4)).astype("float32")
    half = ops.cast(x, "bfloat16")
    y = layer(half, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(layer.moving_mean.dtype) == "float32"
    mean = numpy(ops.cast(half, "float32")).mean(0)
    np.testing.assert_allclose(numpy(layer.moving_mean), 0.1 * mean, rtol=1e-5)


def test_config_round_trip():
    layer = BatchNormalization(momentum=0.5, synchronized=False, center=False)
    copy = BatchNormalization.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert not copy.shared_statistics and copy.momentum == 0.5


def both(**options):
    """Ours and that of Keras with the same constants."""
    keras_layer = keras.layers.BatchNormalization
    return (
        BatchNormalization(**options),
        keras_layer(momentum=0.9, epsilon=1e-5, **options),
    )


def assert_alike(ours, theirs, *inputs, **options):
    """In two steps of training and then."""
    for training in (True, True, False):
        made = [
            layer(*inputs, training=training, **options) for layer in (ours, theirs)
        ]
        assert made[0].dtype == made[1].dtype
        for a, b in (made, *zip(ours.weights, theirs.weights, strict=True)):
            a, b = (numpy(ops.cast(x, "float32")) for x in (a, b))
            np.testing.assert_allclose(a, b, atol=1e-5)


def normal(*shape):
    return np.random.default_rng(0).normal(3.0, 2.0, shape).astype("float32")


@pytest.mark.parametrize("shape", [(8, 5), (2, 3, 2, 5)])
def test_renormalisation_is_that_of_keras(shape):
    clipping = {"rmax": 1.5, "rmin": 0.5, "dmax": 0.5}
    pair = both(renorm=True, renorm_clipping=clipping)
    assert_alike(*pair, normal(*shape))


def test_masked_places_do_not_count():
    x = normal(4, 6, 5)
    mask = np.arange(6) < np.array([[6], [3], [1], [4]])
    assert_alike(*both(), x, mask=mask)
    layer = BatchNormalization()
    layer(x, training=True, mask=mask)
    mean = x[mask].mean(axis=0)
    np.testing.assert_allclose(numpy(layer.moving_mean), 0.1 * mean, rtol=1e-4)


@pytest.mark.parametrize("shape", [(8, 5), (2, 3, 2, 5)])
@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64"])
def test_other_policies_are_those_of_keras(policy, shape):
    if policy == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 unless it is told to")
    assert_alike(*both(dtype=policy), normal(*shape))

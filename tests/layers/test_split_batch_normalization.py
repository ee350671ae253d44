import numpy as np
import pytest
from keras import ops

from tfssl import replicas
from tfssl.layers import BatchNormalization, SplitBatchNormalization


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("shape", [(12, 5), (12, 4, 5), (12, 4, 4, 5)])
def test_each_group_is_normalised_as_if_it_were_the_batch(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    x *= np.arange(1, 13).reshape(-1, *[1] * (len(shape) - 1))
    split = SplitBatchNormalization(groups=3)
    y = numpy(split(x, training=True))
    means = []
    for part, expected in zip(np.split(y, 3), np.split(x, 3), strict=True):
        plain = BatchNormalization()
        np.testing.assert_allclose(
            part, numpy(plain(expected, training=True)), atol=1e-5
        )
        means.append((numpy(plain.moving_mean), numpy(plain.moving_variance)))
    mean, variance = np.mean(means, axis=0)
    np.testing.assert_allclose(numpy(split.moving_mean), mean, atol=1e-6)
    np.testing.assert_allclose(numpy(split.moving_variance), variance, rtol=1e-5)


def test_inference_is_plain():
    x = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    np.testing.assert_allclose(
        numpy(SplitBatchNormalization()(x)), numpy(BatchNormalization()(x))
    )


def test_groups_must_divide_the_batch():
    with pytest.raises(ValueError, match="does not divide into 8 groups"):
        SplitBatchNormalization()(np.ones((12, 3), "float32"), training=True)


def test_config_round_trip():
    layer = SplitBatchNormalization(groups=4, momentum=0.5)
    copy = SplitBatchNormalization.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config() and copy.groups == 4


def test_of_more_replicas_than_groups_each_is_a_group(monkeypatch):
    """Defined so: what they have together is not what one device has."""
    monkeypatch.setattr(replicas, "count", lambda: 16)
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    split = SplitBatchNormalization(groups=8)
    np.testing.assert_allclose(
        numpy(split(x, training=True)),
        numpy(BatchNormalization(synchronized=False)(x, training=True)),
        atol=1e-5,
    )


def test_half_precision_weights():
    x = np.random.default_rng(0).normal(3.0, 2.0, (12, 5)).astype("float32")
    whole, half = (SplitBatchNormalization(3, dtype=d) for d in ("float32", "float16"))
    expected, found = (numpy(layer(x, training=True)) for layer in (whole, half))
    np.testing.assert_allclose(found, expected, atol=2e-2)
    for a, b in zip(half.weights, whole.weights, strict=True):
        np.testing.assert_allclose(numpy(a), numpy(b), rtol=1e-2)

import numpy as np
import pytest
from gradients import gradient_of
from keras import ops

from tfssl import losses


def whitened(n=64, dim=6, seed=0):
    """Rows whose numbers have mean 0, variance 1 and no correlation, exactly."""
    z = np.random.default_rng(seed).normal(size=(n, dim))
    q, _ = np.linalg.qr(z - z.mean(axis=0))
    return (q * np.sqrt(n)).astype("float32")


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_barlow_twins_of_whitened_views_is_nothing():
    z = whitened()
    loss, diagonal = losses.barlow_twins(z, z)
    assert float(loss) == pytest.approx(0, abs=1e-6)
    assert float(diagonal) == pytest.approx(1, abs=1e-4)


def test_barlow_twins_of_independent_views():
    """The diagonal is off by 1 each, the rest by 1 / N each."""
    n, dim = 4096, 32
    loss, diagonal = losses.barlow_twins(normal((n, dim)), normal((n, dim), 1))
    expected = dim * (1 + 1 / n) + 0.0051 * dim * (dim - 1) / n
    assert float(loss) == pytest.approx(expected, rel=0.02)
    assert float(diagonal) == pytest.approx(0, abs=0.02)


def test_barlow_twins_ignores_scale_offset_order_and_exchange():
    a, b = normal((16, 5)), normal((16, 5), 1)
    value = float(losses.barlow_twins(a, b)[0])
    order = np.random.default_rng(2).permutation(5)
    scale = np.array([2, 5, 0.5, 1, 3], "float32")
    for x, y in ((b, a), (a[:, order], b[:, order]), (a * scale + 7, b * scale)):
        assert float(losses.barlow_twins(x, y)[0]) == pytest.approx(value, rel=1e-4)


def test_one_number_has_no_other_to_repeat():
    a, b = normal((16, 1)), normal((16, 1), 1)
    one, other = (float(losses.barlow_twins(a, b, weight)[0]) for weight in (0, 10))
    assert one == pytest.approx(other, abs=1e-5)


def test_variance_of_one_point():
    """1 - sqrt(1e-4), and a gradient that is a number."""
    z = np.ones((8, 4), "float32")
    assert float(losses.variance_hinge(z)) == pytest.approx(0.99, abs=1e-6)
    assert np.isfinite(gradient_of(losses.variance_hinge, z)).all()


def test_whitened_embeddings_have_neither_variance_nor_covariance_to_lose():
    z = 1.1 * whitened()
    assert float(losses.variance_hinge(z)) == 0
    assert float(losses.covariance(z)) == pytest.approx(0, abs=1e-5)


def test_variance_and_covariance_are_those_of_numpy():
    z = normal((12, 5)) @ normal((5, 5), 1) / 2
    matrix = np.cov(z.T)
    deviations = np.sqrt(np.diag(matrix) + 1e-4)
    expected = np.maximum(1 - deviations, 0).mean()
    assert expected > 0.01
    assert float(losses.variance_hinge(z)) == pytest.approx(expected, rel=1e-4)
    squares = (matrix**2).sum() - (np.diag(matrix) ** 2).sum()
    assert float(losses.covariance(z)) == pytest.approx(squares / 5, rel=1e-4)
    for loss in (losses.variance_hinge, losses.covariance):
        assert float(loss(z + 3)) == pytest.approx(float(loss(z)), rel=1e-4)


@pytest.mark.parametrize("loss", [losses.variance_hinge, losses.covariance])
def test_one_image_has_no_variance(loss):
    with pytest.raises(ValueError, match="Received: 1 image"):
        loss(ops.ones((1, 4)))


def test_one_image_has_no_correlation():
    one = ops.ones((1, 4))
    with pytest.raises(ValueError, match="Received: 1 image"):
        losses.barlow_twins(one, one)

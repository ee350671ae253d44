import numpy as np
import pytest
from gradients import gradient_of
from keras import ops

from tfssl import losses
from tfssl.views import RandomStream


def directions(dim, count, seed=0):
    uniform = RandomStream(seed).uniform((2, dim, count))
    return ops.convert_to_numpy(losses.random_directions(uniform))


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_directions_have_length_1_and_prefer_none():
    a = directions(3, 20_000)
    np.testing.assert_allclose(np.linalg.norm(a, axis=0), 1, rtol=1e-5)
    # Mean 0 and covariance 1/3 are those of the sphere.
    np.testing.assert_allclose(a.mean(axis=1), 0, atol=0.02)
    np.testing.assert_allclose(a @ a.T / a.shape[1], np.eye(3) / 3, atol=0.02)


def test_sigreg_of_a_gaussian():
    """1.05246 whatever the number of images: a mean over many samples."""
    z = normal((20, 2000))
    assert float(losses.sigreg(z, np.eye(2000, dtype="float32"))) == pytest.approx(
        1.05246, rel=0.05
    )


@pytest.mark.parametrize(
    "kind, an_image",
    [("point", 0.402048), (0.5, 0.151191), (2.0, 0.236091), ("signs", 0.102830)],
)
def test_sigreg_of_others_grows_with_their_number(kind, an_image):
    n = 200_000
    z = {"point": np.zeros((n, 1)), "signs": np.sign(normal((n, 1)))}.get(kind)
    z = kind * normal((n, 1)) if z is None else z
    value = float(losses.sigreg(z.astype("float32"), np.ones((1, 1), "float32")))
    assert value / n == pytest.approx(an_image, rel=0.02)


def test_sigreg_cannot_leave_a_point():
    z = np.zeros((8, 4), "float32")
    assert not gradient_of(lambda x: losses.sigreg(x, directions(4, 6)), z).any()


def test_visreg_of_a_gaussian_and_of_one_point():
    z = normal((20_000, 4))
    assert float(losses.visreg(z, directions(4, 8))) == pytest.approx(0, abs=2e-3)
    point = np.full((1000, 4), 3, "float32")
    # 9 for the centre, 1 for the scale, and the variance of the quantiles.
    value = float(losses.visreg(point, directions(4, 8)))
    assert value == pytest.approx(9 + 1 + 1, abs=0.05)
    assert np.isfinite(
        gradient_of(lambda x: losses.visreg(x, directions(4, 8)), point)
    ).all()


@pytest.mark.parametrize("loss", [losses.sigreg, losses.visreg])
def test_order_is_nothing(loss):
    z, a = normal((9, 4)), directions(4, 6)
    turned = z[np.random.default_rng(1).permutation(9)]
    assert float(loss(turned, a)) == pytest.approx(float(loss(z, a)), rel=1e-5)


def test_quantile_of_one_image_is_nothing():
    z = np.zeros((1, 4), "float32")
    # Centre 0, scale 1, shape 0.
    assert float(losses.visreg(z, directions(4, 6))) == pytest.approx(1, abs=1e-4)

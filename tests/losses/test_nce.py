import numpy as np
import pytest
from definitions import nce_brute_force
from gradients import gradient_of, slopes

from tfssl import losses


@pytest.mark.parametrize("m, value", [(4096, 9.317888), (16384, 10.704091)])
def test_nce_of_equal_probabilities(m, value):
    n = 1_000
    p = np.full((2, 1 + m), 1 / n, "float32")
    assert float(losses.nce(p, n)) == pytest.approx(value, rel=1e-4)


def test_nce_value_and_gradient_of_the_definition():
    p = np.random.default_rng(0).uniform(0.01, 0.2, (3, 5)).astype("float32")
    assert float(losses.nce(p, 50)) == pytest.approx(nce_brute_force(p, 50), rel=1e-5)
    gradient = gradient_of(lambda p: losses.nce(p, 50), p)
    expected = slopes(lambda p: nce_brute_force(p, 50), p, step=1e-6)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)

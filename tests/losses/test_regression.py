import numpy as np
import pytest

from tfssl.losses import cosine_distance


def test_parallel_orthogonal_and_opposite():
    x = np.array([[1, 0], [0, 2]], "float32")
    turned = x[:, ::-1] * 3
    assert float(cosine_distance(x, 5 * x)) == pytest.approx(0, abs=1e-6)
    assert float(cosine_distance(x, turned)) == pytest.approx(2, abs=1e-6)
    assert float(cosine_distance(x, -x)) == pytest.approx(4, abs=1e-6)


def test_lengths_do_not_count_and_targets_take_no_gradient():
    from gradients import gradient_of

    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 8, 5)).astype("float32")
    value = float(cosine_distance(x, y))
    assert float(cosine_distance(7 * x, 0.1 * y)) == pytest.approx(value, rel=1e-5)
    assert gradient_of(lambda y: cosine_distance(x, y), y) is None or not np.any(
        gradient_of(lambda y: cosine_distance(x, y), y)
    )

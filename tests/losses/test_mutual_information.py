import math

import numpy as np
import pytest
from definitions import brute_force
from gradients import gradient_of, slopes

from tfssl import losses
from tfssl.methods.dim import ESTIMATORS


def own(n):
    return np.eye(n, dtype="float32")


def random_scores(n=3, positions=4):
    return np.random.default_rng(0).normal(size=(n, positions, n)).astype("float32")


@pytest.mark.parametrize("n, positions", [(2, 1), (64, 64)])
def test_equal_scores(n, positions):
    scores = np.zeros((n, positions, n), "float32")
    expected = math.log(1 + (n - 1) * positions)
    assert float(losses.infonce(scores, own(n))) == pytest.approx(expected, abs=1e-4)
    assert float(losses.jensen_shannon(scores, own(n))) == pytest.approx(0, abs=1e-6)
    assert float(losses.donsker_varadhan(scores, own(n))) == pytest.approx(0, abs=1e-5)


def test_jsd_has_its_lower_bound():
    scores = 100 * (2 * own(4)[:, None, :].repeat(2, 1) - 1)
    loss = float(losses.jensen_shannon(scores, own(4)))
    assert loss == pytest.approx(-1.386294, abs=1e-5)


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_value_and_gradient_of_the_definition(estimator):
    scores = random_scores()

    def loss(scores):
        return ESTIMATORS[estimator](scores, own(3))

    expected = brute_force(estimator, scores)
    assert float(loss(scores)) == pytest.approx(expected, abs=1e-5)
    slope = slopes(lambda scores: brute_force(estimator, scores), scores)
    np.testing.assert_allclose(gradient_of(loss, scores), slope, rtol=0, atol=1e-5)


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_order_of_images_and_positions_is_no_difference(estimator):
    scores, loss = random_scores(), ESTIMATORS[estimator]
    images, positions = [2, 0, 1], [3, 1, 0, 2]
    expected = float(loss(scores, own(3)))
    turned = scores[images][:, :, images]
    assert float(loss(turned, own(3))) == pytest.approx(expected, abs=1e-5)
    assert float(loss(scores[:, positions], own(3))) == pytest.approx(
        expected, abs=1e-5
    )


def test_positions_of_the_same_image_are_no_negatives():
    """One that is told for sure is no rival to the other positions of its image."""
    scores = random_scores()
    scores[0, 1, 0] = 30.0
    raised = scores.copy()
    raised[0, 1, 0] = 60.0
    before, after = (float(losses.infonce(s, own(3))) for s in (scores, raised))
    assert after == pytest.approx(before, abs=1e-6)

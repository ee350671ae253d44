"""Losses equal lightly's; see tests/references/make_lightly_embeddings.py."""

from pathlib import Path

import numpy as np
import pytest
from gradients import gradient_of
from keras import ops

from tfssl import losses

REFERENCE = np.load(Path(__file__).parents[1] / "references/lightly_embeddings.npz")
DIRECTIONS = REFERENCE["directions"]


def invariance(a, b):
    centre = (a + b) / 2
    return ops.mean(ops.square(a - centre) + ops.square(b - centre)) / 2


def vicreg(a, b):
    variance = (losses.variance_hinge(a) + losses.variance_hinge(b)) / 2
    covariance = losses.covariance(a) + losses.covariance(b)
    return 25 * ops.mean(ops.square(a - b)) + 25 * variance + covariance


# Each as a function of both views.
LOSSES = {
    "barlow_twins": lambda a, b: losses.barlow_twins(a, b)[0],
    "vicreg": vicreg,
    # Theirs takes the gradient through both.
    "cosine": lambda a, b: losses.cosine_distance(a, b) / 2 - 1,
    "nt_xent": lambda a, b: losses.nt_xent(a, b, 0.2),
    "sigreg": lambda a, b: losses.sigreg(a, DIRECTIONS),
    "visreg": lambda a, b: losses.visreg(a, DIRECTIONS),
    "invariance": invariance,
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient(name):
    views = REFERENCE["views"]

    def loss_of(both):
        return LOSSES[name](both[0], both[1])

    assert float(loss_of(views)) == pytest.approx(
        float(REFERENCE[f"{name}_loss"]), abs=1e-5
    )
    gradient = np.array(gradient_of(loss_of, views))
    expected = REFERENCE[f"{name}_gradient"]
    if name == "cosine":
        # Of the prediction: ours stops the gradient at the target.
        assert not gradient[1].any()
        gradient, expected = gradient[0], expected[0]
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-5)

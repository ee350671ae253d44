import numpy as np
import pytest
from cases import batch, encoder, images, make, views
from keras import ops

import tfssl


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


# The defaults, and others.
@pytest.mark.parametrize(
    "weights", [{}, {"invariance": 3, "variance": 5, "covariance": 7}]
)
def test_value_of_the_definition(weights):
    model = tfssl.methods.VICReg(
        encoder(),
        views(),
        projector=(64, 64),
        **{f"{name}_weight": value for name, value in weights.items()},
    )
    made = batch(model, images(8))
    z = [numpy(model.embed(view)) for view in made.views]
    invariance = ((z[0] - z[1]) ** 2).mean()
    variance = covariance = 0
    for x in z:
        matrix = np.cov(x.T)
        deviations = np.sqrt(np.diag(matrix) + 1e-4)
        variance += np.maximum(1 - deviations, 0).mean() / 2
        squares = (matrix**2).sum() - (np.diag(matrix) ** 2).sum()
        covariance += squares / x.shape[1]
    loss, logs = model.views_loss(made)
    weights = {"invariance": 25, "variance": 25, "covariance": 1, **weights}
    expected = (
        weights["invariance"] * invariance
        + weights["variance"] * variance
        + weights["covariance"] * covariance
    )
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert float(logs["covariance"]) == pytest.approx(covariance, rel=1e-4)


def test_one_point_has_24_75_of_variance_to_gain():
    model = make("vicreg")
    *_, kernel = model.projector.weights
    kernel.assign(ops.zeros(kernel.shape))
    loss, _ = model.views_loss(batch(model, images(8)))
    assert float(loss) == pytest.approx(24.75, abs=1e-4)

import numpy as np
import pytest
from cases import batch, encoder, images, views
from keras import ops

import tfssl


# The default, and another.
@pytest.mark.parametrize("weight", [{}, {"off_diagonal_weight": 0.25}])
def test_value_of_the_definition(weight):
    model = tfssl.methods.BarlowTwins(encoder(), views(), (64, 64), **weight)
    made = batch(model, images(8))
    z = [
        ops.convert_to_numpy(model.embed(view)).astype("float64") for view in made.views
    ]
    a, b = ((x - x.mean(axis=0)) / x.std(axis=0) for x in z)
    correlations = a.T @ b / 8
    diagonal = np.diag(correlations)
    apart = (correlations**2).sum() - (diagonal**2).sum()
    factor = weight.get("off_diagonal_weight", 0.0051)
    expected = ((diagonal - 1) ** 2).sum() + factor * apart
    loss, _ = model.views_loss(made)
    assert float(loss) == pytest.approx(expected, rel=1e-3)

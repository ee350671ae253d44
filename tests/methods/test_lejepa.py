"""LeJEPA and VISReg, which share all but the regularization."""

import numpy as np
import pytest
from cases import batch, encoder, images, make
from keras import ops

import tfssl
from tfssl import losses

of_both = pytest.mark.parametrize("name", ["lejepa", "visreg"])


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


@of_both
def test_value_of_the_definition(name):
    model = make(name)
    made = batch(model, images(8))
    both = numpy(model.projector(model.view_features(made.views), training=True))
    z = np.split(both, 2)
    centre = (z[0] + z[1]) / 2
    invariance = np.mean([((each - centre) ** 2).mean() for each in z])
    uniform = model.uniform((2, both.shape[1], model.directions), "directions", True)
    directions = losses.random_directions(uniform)
    regularize = {"lejepa": losses.sigreg, "visreg": losses.visreg}[name]
    regularization = np.mean([float(regularize(each, directions)) for each in z])
    loss, logs = model.views_loss(made)
    weight = {"lejepa": 0.05, "visreg": 0.6}[name]
    expected = (1 - weight) * invariance + weight * regularization
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert float(logs["invariance"]) == pytest.approx(invariance, rel=1e-4)


@of_both
def test_views_that_are_all_the_same_have_nothing_to_agree_on(name):
    model = make(name)
    made = batch(model, images(8))
    same = made._replace(views=(made.views[0],) * 2)
    _, logs = model.views_loss(same)
    assert float(logs["invariance"]) == pytest.approx(0, abs=1e-6)


def test_the_centre_is_that_of_the_global_views_and_local_ones_may_be_smaller():
    views = tfssl.views.LeJEPAViews(16, local_size=8, num_local=3)
    network = tfssl.encoders.resnet10(16, stem="small", width=4)
    model = tfssl.methods.LeJEPA(network, views, projector=(16, 4))
    made = batch(model, images(8))
    assert [view.shape[1] for view in made.views] == [16, 16, 8, 8, 8]
    z = numpy(model.projector(model.view_features(made.views), training=True))
    z = z.reshape(5, 8, 4)
    expected = ((z - z[:2].mean(axis=0)) ** 2).mean()
    _, logs = model.views_loss(made)
    assert float(logs["invariance"]) == pytest.approx(expected, rel=1e-4)


def test_directions_are_others_at_each_step():
    model = make("lejepa")
    shape = (2, 4, 8)
    first = numpy(model.uniform(shape, "directions", True))
    model.step.assign(1)
    assert np.abs(numpy(model.uniform(shape, "directions", True)) - first).max() > 0.1


def test_fewer_views_than_global_ones_are_refused():
    with pytest.raises(ValueError, match="takes 3 global views.*Received: 2 views"):
        tfssl.methods.LeJEPA(encoder(), tfssl.views.DigitViews(16), num_global=3)

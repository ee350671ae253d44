import numpy as np
import pytest
from cases import batch, images, make
from keras import ops

from tfssl import losses


def numpy(x):
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_value_of_the_definition_with_planted_neighbours():
    model = make("nnclr")
    made = batch(model, images(8))
    z = [numpy(model.embed(view)) for view in made.views]
    p = [unit(numpy(model.predictor(x, training=True))) for x in z]
    z = [unit(x) for x in z]
    # In the queue each view of image i has itself, a little turned.
    turned = [unit(x + np.random.default_rng(0).normal(0, 0.01, x.shape)) for x in z]
    rows = numpy(model.queue.rows).copy()
    rows[5:13], rows[20:28] = turned
    model.queue.rows.assign(rows)
    expected = 0
    for neighbours, predictions in ((turned[0], p[1]), (turned[1], p[0])):
        logits = neighbours @ predictions.T / model.temperature
        own = np.exp(np.diag(logits)) / np.exp(logits).sum(axis=1)
        expected -= np.log(own).mean() / 2
    assert float(model.views_loss(made)[0]) == pytest.approx(expected, abs=1e-4)


def test_equal_predictions_give_log_of_the_batch():
    model = make("nnclr")
    *_, kernel = model.predictor.weights
    norm = model.predictor.layers[-2]
    assert norm.name == "relu_1"
    kernel.assign(ops.zeros(kernel.shape))
    made = batch(model, images(8))
    assert float(model.views_loss(made)[0]) == pytest.approx(np.log(8), abs=1e-5)


def test_the_queue_takes_the_first_view_after_the_search():
    model = make("nnclr")
    made = batch(model, images(8))
    before = numpy(model.queue.rows)
    expected = unit(numpy(model.embed(made.views[0])))
    # Of a queue that held z_1 already, each image's neighbour would be itself.
    searched = []
    nearest = model.queue.nearest
    model.queue.nearest = lambda z: searched.append(numpy(nearest(z))) or nearest(z)
    model.views_loss(made)
    for found in searched:
        assert all((row == before).all(axis=1).any() for row in found)
    np.testing.assert_allclose(numpy(model.queue.rows)[:8], expected, atol=1e-5)
    np.testing.assert_array_equal(numpy(model.queue.rows)[8:], before[8:])


def test_the_nearest_row_is_the_row_itself():
    queue = make("nnclr").queue
    rows = numpy(queue.rows)
    found = numpy(queue.nearest(losses.l2_normalize(rows[[3, 40, 7]] * 5)))
    np.testing.assert_array_equal(found, rows[[3, 40, 7]])

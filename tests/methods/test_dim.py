import math

import keras
import numpy as np
import pytest
from cases import SIZE, images, one_view
from gradients import gradient_of, slopes
from keras import ops

import tfssl
from tfssl.methods import dim


def numpy(x):
    return ops.convert_to_numpy(x)


def own(n):
    return np.eye(n, dtype="float32")


def random_scores(n=3, places=4):
    return np.random.default_rng(0).normal(size=(n, places, n)).astype("float32")


@pytest.mark.parametrize("n, places", [(2, 1), (64, 64)])
def test_equal_scores(n, places):
    scores = np.zeros((n, places, n), "float32")
    expected = math.log(1 + (n - 1) * places)
    assert float(dim.infonce_loss(scores, own(n))) == pytest.approx(expected, abs=1e-4)
    assert float(dim.jsd_loss(scores, own(n))) == pytest.approx(0, abs=1e-6)
    assert float(dim.dv_loss(scores, own(n))) == pytest.approx(0, abs=1e-5)


def test_jsd_has_its_lower_bound():
    scores = 100 * (2 * own(4)[:, None, :].repeat(2, 1) - 1)
    loss = float(dim.jsd_loss(scores, own(4)))
    assert loss == pytest.approx(-1.386294, abs=1e-5)


def softplus(x):
    return np.log1p(np.exp(x))


def brute_force(estimator, scores):
    """The definitions in float64, one pair at a time."""
    scores = scores.astype("float64")
    n, places, _ = scores.shape
    pairs = [(m, i) for m in range(n) for i in range(n)]
    same = [scores[m, p, i] for m, i in pairs if m == i for p in range(places)]
    other = [scores[m, p, i] for m, i in pairs if m != i for p in range(places)]
    if estimator == "jsd":
        positives = np.mean([math.log(2) - softplus(-t) for t in same])
        negatives = np.mean([softplus(-t) + t - math.log(2) for t in other])
        return negatives - positives
    if estimator == "dv":
        return np.log(np.mean(np.exp(other))) - np.mean(same)
    total = 0.0
    for i in range(n):
        negatives = sum(np.exp(scores[m, :, i]).sum() for m in range(n) if m != i)
        for place in range(places):
            positive = np.exp(scores[i, place, i])
            total -= np.log(positive / (positive + negatives))
    return total / (n * places)


@pytest.mark.parametrize("estimator", sorted(dim.ESTIMATORS))
def test_value_and_gradient_of_the_definition(estimator):
    scores = random_scores()

    def loss(scores):
        return dim.ESTIMATORS[estimator](scores, own(3))

    expected = brute_force(estimator, scores)
    assert float(loss(scores)) == pytest.approx(expected, abs=1e-5)
    slope = slopes(lambda scores: brute_force(estimator, scores), scores)
    np.testing.assert_allclose(gradient_of(loss, scores), slope, rtol=0, atol=1e-5)


@pytest.mark.parametrize("estimator", sorted(dim.ESTIMATORS))
def test_order_of_images_and_places_is_no_difference(estimator):
    scores, loss = random_scores(), dim.ESTIMATORS[estimator]
    images, places = [2, 0, 1], [3, 1, 0, 2]
    expected = float(loss(scores, own(3)))
    turned = scores[images][:, :, images]
    assert float(loss(turned, own(3))) == pytest.approx(expected, abs=1e-5)
    assert float(loss(scores[:, places], own(3))) == pytest.approx(expected, abs=1e-5)


def test_places_of_the_same_image_are_no_negatives():
    """A place that is told for sure is no rival to the other places of its image."""
    scores = random_scores()
    scores[0, 1, 0] = 30.0
    raised = scores.copy()
    raised[0, 1, 0] = 60.0
    before, after = (float(dim.infonce_loss(s, own(3))) for s in (scores, raised))
    assert after == pytest.approx(before, abs=1e-6)


def make(**kwargs):
    keras.utils.set_random_seed(0)
    encoder = tfssl.encoders.dim_cnn(SIZE, width=8, dim=32)
    options = {"units": 16, "prior_weight": 0, **kwargs}
    return tfssl.methods.DeepInfoMax(encoder, one_view(), **options)


@pytest.mark.parametrize("estimator", sorted(dim.ESTIMATORS))
def test_two_images_are_enough_and_one_is_not(estimator):
    model = make(estimator=estimator)
    assert np.isfinite(float(model.views_loss(model.views(images(2), seed=0))[0]))
    with pytest.raises(ValueError, match="Received: a batch of 1"):
        model.views_loss(model.views(images(1), seed=0))


def test_presets_of_the_paper():
    paper = tfssl.methods.recipe("dim", 224)
    assert paper.batch_size == 64 and paper.epochs == 1000
    model = make(global_weight=1, local_weight=0, prior_weight=1)
    assert not hasattr(model, "local_score") and model.adversary is not None


def test_what_has_no_map_or_estimator_is_refused():
    with pytest.raises(ValueError, match="estimator must be one of"):
        make(estimator="kl")
    with pytest.raises(ValueError, match="Received: 'fc'"):
        make(local_layer="fc")
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        make(local_layer="conv9")


needs_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="an adversary"
)


@needs_tensorflow
def test_the_gradient_penalty_is_that_of_the_scores():
    """Of a linear score the slope is its kernel."""
    linear = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    linear.layers[0].kernel.assign([[1.0], [2.0], [2.0]])
    _, slope = dim._score_and_slope(linear, ops.ones((5, 3)))
    assert float(slope) == pytest.approx(9.0)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow has it")
def test_the_prior_is_refused_elsewhere():
    with pytest.raises(ValueError, match="trains on TensorFlow only"):
        make(prior_weight=0.5).compile("adam")

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


def terms(model, x):
    """The local and the global loss, from the scores of all pairs in float64."""
    local, features = model.trunk(x, training=True)
    y = model.projector(features)
    maps = numpy(model.local_score(local, training=True)).astype("float64")
    places = maps.reshape(len(x), -1, maps.shape[-1])
    whole = numpy(model.global_score(local)).astype("float64")[:, None]
    return [
        brute_force(
            model.estimator,
            np.einsum("mlu,nu->mln", rows, numpy(score(y, training=True))),
        )
        for rows, score in ((places, model.score), (whole, model.summary_score))
    ]


@pytest.mark.parametrize("estimator", sorted(dim.ESTIMATORS))
def test_value_of_the_definition(estimator):
    model = make(estimator=estimator, local_weight=2.0, global_weight=0.25)
    x = images(4).astype("float32")
    expected = terms(model, x)
    loss, logs = model.views_loss((x,))
    assert float(logs["local_loss"]) == pytest.approx(expected[0], rel=1e-4, abs=1e-5)
    assert float(logs["global_loss"]) == pytest.approx(expected[1], rel=1e-4, abs=1e-5)
    total = 2 * expected[0] + 0.25 * expected[1]
    assert float(loss) == pytest.approx(total, rel=1e-4, abs=1e-5)


def test_a_score_network_is_a_normalised_hidden_layer_and_shortcut():
    net = dim.score_network((2, 3, 5), 7, "score")
    random = np.random.default_rng(0)
    for w in net.trainable_weights:
        w.assign(random.normal(size=w.shape))
    x = random.normal(size=(4, 2, 3, 5)).astype("float32")
    w = {w.path.removeprefix("score/"): numpy(w).astype("float64") for w in net.weights}
    hidden = x @ w["hidden/kernel"]
    hidden = (hidden - hidden.mean((0, 1, 2))) / np.sqrt(hidden.var((0, 1, 2)) + 1e-5)
    hidden = np.maximum(hidden * w["norm/gamma"] + w["norm/beta"], 0)
    y = hidden @ w["linear/kernel"] + w["linear/bias"]
    y += x @ w["shortcut/kernel"] + w["shortcut/bias"]
    mean, variance = y.mean(-1, keepdims=True), y.var(-1, keepdims=True)
    y = (y - mean) / np.sqrt(variance + net.get_layer("layer_norm").epsilon)
    y = y * w["layer_norm/gamma"] + w["layer_norm/beta"]
    np.testing.assert_allclose(numpy(net(x, training=True)), y, atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_the_shortcut_starts_near_the_identity(shape):
    kernel = numpy(dim.NearIdentity()(shape, "float32"))
    eye = np.eye(*shape, dtype=bool)
    assert (kernel[eye] == 1).all()
    noise = kernel[~eye]
    assert (
        0.005 < np.abs(noise).max() <= 0.01 and (noise > 0).any() and (noise < 0).any()
    )
    net = dim.score_network((shape[0],), shape[1], "score")
    assert (numpy(net.get_layer("shortcut").kernel)[eye] == 1).all()


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


def prior_scores(model, x):
    """Scores of the discriminator and their squared slopes in x, in float64."""
    w_1, b_1, w_2, b_2, w_3, b_3 = map(numpy, model.adversary.weights)
    first = x.astype("float64") @ w_1 + b_1
    second = np.maximum(first, 0) @ w_2 + b_2
    slope = ((second > 0) * w_3[:, 0]) @ w_2.T
    slope = ((first > 0) * slope) @ w_1.T
    return np.maximum(second, 0) @ w_3 + b_3, (slope**2).sum(1)


@needs_tensorflow
def test_the_discriminator_tells_noise_from_features_and_has_no_steep_slopes():
    model = make(prior_weight=0.5)
    y = np.random.default_rng(0).normal(size=(6, 64)).astype("float32")
    real = tfssl.views.RandomStream(model.key(shared=True)).uniform((6, 64))
    real, real_slope = prior_scores(model, numpy(real))
    fake, fake_slope = prior_scores(model, 1 / (1 + np.exp(-y)))
    expected = softplus(-real).mean() + softplus(fake).mean()
    # Weights of a new network are small, and so is this.
    penalty = 0.5 * (real_slope.mean() + fake_slope.mean())
    assert penalty > 1e-2
    loss = float(model.adversary_loss(y))
    assert loss == pytest.approx(expected + penalty, rel=1e-5)


@needs_tensorflow
def test_the_loss_weighs_all_three_and_the_prior_fools_the_discriminator():
    model = make(local_weight=2.0, global_weight=0.25, prior_weight=0.5)
    model.compile("sgd", adversary_optimizer=keras.optimizers.SGD(0.1))
    x = images(4).astype("float32")
    local, whole = terms(model, x)
    loss, logs = model.views_loss((x,))
    # Of the discriminator after its step.
    y = numpy(model.projector(model.features(x, training=True)))
    fake, _ = prior_scores(model, 1 / (1 + np.exp(-y)))
    prior = softplus(-fake).mean()
    assert float(logs["prior_loss"]) == pytest.approx(prior, rel=1e-4)
    total = 2 * local + 0.25 * whole + 0.5 * prior
    assert float(loss) == pytest.approx(total, rel=1e-4)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow has it")
def test_the_prior_is_refused_elsewhere():
    with pytest.raises(ValueError, match="trains on TensorFlow only"):
        make(prior_weight=0.5).compile("adam")

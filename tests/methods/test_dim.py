import keras
import numpy as np
import pytest
from cases import SIZE, batch, images, one_view
from definitions import brute_force, softplus
from keras import ops

import tfssl
from tfssl.methods import Batch, dim


def numpy(x):
    return ops.convert_to_numpy(x)


def make(**kwargs):
    keras.utils.set_random_seed(0)
    encoder = tfssl.encoders.dim_cnn(SIZE, width=8, dim=32)
    options = {"units": 16, "prior_weight": 0, **kwargs}
    return tfssl.methods.DeepInfoMax(encoder, one_view(), **options)


@pytest.mark.parametrize("estimator", sorted(dim.ESTIMATORS))
def test_two_images_are_enough_and_one_is_not(estimator):
    model = make(estimator=estimator)
    assert np.isfinite(float(model.views_loss(batch(model, images(2)))[0]))
    with pytest.raises(ValueError, match="Received: a batch of 1"):
        model.views_loss(batch(model, images(1)))


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
    loss, logs = model.views_loss(Batch((x,)))
    assert float(logs["local_loss"]) == pytest.approx(expected[0], rel=1e-4, abs=1e-5)
    assert float(logs["global_loss"]) == pytest.approx(expected[1], rel=1e-4, abs=1e-5)
    total = 2 * expected[0] + 0.25 * expected[1]
    assert float(loss) == pytest.approx(total, rel=1e-4, abs=1e-5)


def test_of_two_views_the_positions_of_one_meet_the_features_of_the_other():
    model = make(local_weight=1.0, global_weight=0)
    both = [images(4, seed=seed).astype("float32") for seed in (0, 1)]
    maps, features = model.trunk(np.concatenate(both), training=True)
    places = numpy(model.local_score(maps, training=True)).astype("float64")
    places = places.reshape(2, 4, -1, places.shape[-1])
    y = numpy(model.score(model.projector(features), training=True)).reshape(2, 4, -1)
    expected = np.mean(
        [
            brute_force(
                model.estimator, np.einsum("mlu,nu->mln", places[one], y[other])
            )
            for one, other in ((0, 1), (1, 0))
        ]
    )
    loss, _ = model.views_loss(Batch(tuple(both)))
    assert float(loss) == pytest.approx(expected, rel=1e-4)


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
    real = model.uniform((6, 64), "prior")
    real, real_slope = prior_scores(model, numpy(real))
    fake, fake_slope = prior_scores(model, 1 / (1 + np.exp(-y)))
    expected = softplus(-real).mean() + softplus(fake).mean()
    # Weights of a new network are small, and so is this.
    penalty = 0.5 * (real_slope.mean() + fake_slope.mean())
    assert penalty > 1e-2
    loss = float(model.adversary_loss(ops.sigmoid(y)))
    assert loss == pytest.approx(expected + penalty, rel=1e-5)


@needs_tensorflow
def test_the_loss_weighs_all_three_and_the_prior_fools_the_discriminator():
    model = make(local_weight=2.0, global_weight=0.25, prior_weight=0.5)
    model.compile("sgd", adversary_optimizer=keras.optimizers.SGD(0.1))
    x = images(4).astype("float32")
    local, whole = terms(model, x)
    loss, logs = model.views_loss(Batch((x,)))
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

import math

import keras
import numpy as np
import pytest
from cases import SIZE, batch, images, make, one_view, pair
from definitions import nce_brute_force
from keras import ops

import tfssl
from tfssl import losses
from tfssl.methods import Batch
from tfssl.optimizers import Linear
from tfssl.training.state import evaluation

pytestmark = pytest.mark.usefixtures("eager")


def numpy(x):
    return ops.convert_to_numpy(x)


def of_rows(rows, f, temperature):
    """Softmax cross-entropy of the first row against the others, in float64."""
    scores = rows.astype("float64") @ f.astype("float64") / temperature
    return np.log(np.exp(scores).sum()) - scores[0]


def embeddings(model, x):
    features = model.features(x, training=True)
    parts = np.split(numpy(features), [model.widths[0]], axis=1)
    return [
        numpy(losses.l2_normalize(projector(part)))
        for projector, part in zip(model.projectors, parts, strict=True)
    ]


def test_in_batch_value_of_the_definition():
    model = make("cmc")
    x = images(6).astype("float32")
    f = embeddings(model, x)
    expected = sum(
        np.mean([of_rows(np.roll(b, -i, axis=0), a[i], 0.2) for i in range(6)])
        for a, b in (f, f[::-1])
    )
    assert float(model.views_loss(Batch((x,)))[0]) == pytest.approx(expected, rel=1e-4)


def test_of_two_views_the_other_part_is_that_of_the_other_view():
    model = make("cmc")
    both = images(6).astype("float32"), images(6, seed=1).astype("float32")
    lightness, colour = (
        [part[:6], part[6:]] for part in embeddings(model, np.concatenate(both))
    )
    expected = 0.0
    for one, other in ((0, 1), (1, 0)):
        for a, b in (
            (lightness[one], colour[other]),
            (colour[other], lightness[one]),
        ):
            rows = [of_rows(np.roll(b, -i, axis=0), a[i], 0.2) for i in range(6)]
            expected += np.mean(rows) / 2
    assert float(model.views_loss(Batch(both))[0]) == pytest.approx(expected, rel=1e-4)


def test_bank_value_of_the_definition_and_update():
    """Logits with the other view's bank as it was; then both banks move."""
    model = make("cmc_softmax")
    x, index = images(6).astype("float32"), np.arange(6, dtype="int32") * 7
    banks = [numpy(bank.rows) for bank in model.banks]
    drawn = numpy(model.draw(ops.convert_to_tensor(index)))
    f = embeddings(model, x)
    loss = float(model.views_loss(Batch((x,), index))[0])
    expected = 0.0
    for view in (0, 1):
        other = banks[1 - view]
        expected += np.mean(
            [
                of_rows(other[[index[i], *drawn[i]]], f[view][i], model.temperature)
                for i in range(6)
            ]
        )
    assert loss == pytest.approx(expected, rel=1e-4)
    for bank, old, new in zip(model.banks, banks, f, strict=True):
        rows = numpy(bank.rows)
        moved = 0.5 * old[index] + 0.5 * new
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        np.testing.assert_allclose(rows[index], moved, atol=1e-5)
        others = np.setdiff1d(np.arange(len(rows)), index)
        np.testing.assert_array_equal(rows[others], old[others])


def test_draws_change_with_the_step_and_may_hit_the_image():
    model = tfssl.methods.CMC(
        pair(), one_view(), contrast="softmax", num_images=4, negatives=64
    )
    index = ops.arange(3, dtype="int32")
    first = numpy(model.draw(index))
    np.testing.assert_array_equal(numpy(model.draw(index)), first)
    assert set(np.unique(first)) == {0, 1, 2, 3}
    model.step.assign_add(1)
    assert (numpy(model.draw(index)) != first).any()


def test_uniform_softmax():
    """Equal scores: log(K + 1) for each direction."""
    model = make("cmc_softmax")
    for bank in model.banks:
        bank.rows.assign(np.zeros(bank.rows.shape))
    loss = float(model.views_loss(batch(model, images(8)))[0])
    assert loss == pytest.approx(2 * math.log(model.negatives + 1), abs=1e-5)


def test_the_first_batch_sets_z_for_good(tmp_path):
    """Z = mean(exp(s / T)) n, for each direction."""
    model = make("cmc_nce")
    assert numpy(model.normalizers.values).tolist() == [0, 0]
    # Not alike, so that each direction has another Z.
    model.banks[0].rows.assign(np.abs(numpy(model.banks[0].rows)))
    index = np.arange(6, dtype="int32")
    z = None
    for seed in (0, 1):
        x = images(6, seed).astype("float32")
        rows = np.concatenate([index[:, None], numpy(model.draw(index))], axis=1)
        scores = [
            np.exp(np.einsum("bd,bkd->bk", f, numpy(bank.rows)[rows]) / 0.2)
            for f, bank in zip(embeddings(model, x), model.banks[::-1], strict=True)
        ]
        z = z or [each.mean(dtype="float64") * model.num_images for each in scores]
        loss = float(model.views_loss(Batch((x,), index))[0])
        np.testing.assert_allclose(numpy(model.normalizers.values), z, rtol=1e-4)
        expected = sum(
            nce_brute_force(each / of_first, model.num_images)
            for each, of_first in zip(scores, z, strict=True)
        )
        assert loss == pytest.approx(expected, rel=1e-4)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        numpy(copy.normalizers.values), numpy(model.normalizers.values)
    )


@pytest.mark.parametrize("name", ["cmc", "cmc_nce", "cmc_softmax"])
def test_exchanging_the_views_is_no_difference(name):
    """The halves the other way round, with their encoders, projectors and banks."""
    model, other = make(name), make(name)
    parts = [networks(each) for each in (model, other)]
    for source, target in zip(parts[0], reversed(parts[1]), strict=True):
        for a, b in zip(source, target, strict=True):
            b.set_weights(a.get_weights())
    made = batch(model, images(6))
    turned = made._replace(
        views=tuple(np.roll(numpy(view), SIZE // 2, axis=1) for view in made.views)
    )
    loss, loss_of_other = (
        float(m.views_loss(b)[0]) for m, b in ((model, made), (other, turned))
    )
    assert loss_of_other == pytest.approx(loss, rel=1e-5)


def networks(model):
    """What each of the two views has of its own."""
    encoders = [e for e in model.encoder.layers if isinstance(e, keras.Model)]
    banks = model.banks if model.needs_index else [None, None]
    return [
        [part for part in parts if part]
        for parts in zip(encoders, model.projectors, banks, strict=True)
    ]


def test_data_sets_need_an_index():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data")
    model = make("cmc_softmax")
    data = tf.data.Dataset.from_tensor_slices(images(16)).batch(8)
    with pytest.raises(ValueError, match="position in the data set"):
        model.fit(data, verbose=0)
    both = {"images": images(16), "index": np.arange(16)}
    model.fit(tf.data.Dataset.from_tensor_slices(both).batch(8), verbose=0)


def test_a_lab_pair_gives_the_features_of_lightness_then_of_colour():
    first, second = (
        tfssl.encoders.resnet10(SIZE, stem="small", width=4, channels=c) for c in (1, 2)
    )
    encoder = tfssl.encoders.split_pair(first, second, SIZE)
    x = images(2).astype("float32")
    lightness, colour = tfssl.layers.SplitImage("lab")(x)
    expected = np.concatenate([numpy(first(lightness)), numpy(second(colour))], axis=1)
    assert expected.shape == (2, 64)
    np.testing.assert_allclose(numpy(encoder(x)), expected, rtol=1e-4, atol=1e-5)


def test_a_bank_has_a_row_for_each_image():
    model = tfssl.methods.CMC(
        pair(), one_view(), contrast="nce", num_images=15, negatives=4
    )
    batches = tfssl.training.Batches(images(16), batch_size=8, with_index=True)
    for x in (images(16), batches):
        with pytest.raises(ValueError, match="num_images=16. Received: 16 images"):
            model.fit(x, verbose=0)


def test_mistakes_are_named():
    with pytest.raises(
        ValueError, match="no part 'view_1'.*tfssl.encoders.split_pair makes it"
    ):
        tfssl.methods.CMC(tfssl.encoders.resnet10(16, stem="small", width=4))
    with pytest.raises(ValueError, match="contrast must be one of"):
        tfssl.methods.CMC(pair(), contrast="triplet")
    with pytest.raises(ValueError, match="Received: num_images=None"):
        tfssl.methods.CMC(pair(), contrast="nce")
    with pytest.raises(ValueError, match="gives views"):
        net = tfssl.encoders.resnet10(16, stem="small", width=4)
        tfssl.encoders.split_pair(net, net, 16)


def test_a_held_out_image_is_compared_with_its_own_other_part():
    """It has no row in the banks."""
    model = make("cmc_softmax")
    x, index = images(6).astype("float32"), np.arange(6, dtype="int32")
    f = embeddings(model, x)
    with evaluation(), keras.StatelessScope():
        drawn = numpy(model.draw(ops.convert_to_tensor(index)))
        loss = float(model.views_loss(Batch((x,), index))[0])
    expected = 0.0
    for view in (0, 1):
        bank = numpy(model.banks[1 - view].rows)
        for i in range(6):
            rows = np.concatenate([f[1 - view][[i]], bank[drawn[i]]])
            expected += of_rows(rows, f[view][i], model.temperature) / 6
    assert loss == pytest.approx(expected, rel=1e-4)


def test_more_images_are_held_out_than_were_trained_on():
    model = make("cmc_softmax")
    x, index = images(6).astype("float32"), np.arange(6, dtype="int32")
    losses = []
    for more in (0, model.num_images):
        with evaluation(), keras.StatelessScope():
            losses.append(float(model.views_loss(Batch((x,), index + more))[0]))
    assert np.isfinite(losses).all() and losses[0] == losses[1]


@pytest.mark.parametrize("temperature", [0.0115, Linear(0.07, 0.01)])
def test_scores_that_overflow_are_refused(temperature):
    options = {"num_images": 16, "negatives": 4, "temperature": temperature}
    with pytest.raises(ValueError, match="at least 0.0125.*Received: temperature="):
        tfssl.methods.CMC(pair(), one_view(), contrast="nce", **options)
    tfssl.methods.CMC(pair(), one_view(), contrast="softmax", **options)

import numpy as np
import pytest
from cases import batch, encoder, images, make, views
from gradients import gradient_of, slopes
from keras import ops

import tfssl
from tfssl import losses

pytestmark = pytest.mark.usefixtures("eager")


def numpy(x):
    return ops.convert_to_numpy(x)


def cross_entropy(logits):
    return float(losses.cross_entropy(logits, np.zeros(len(logits), "int32")))


@pytest.mark.parametrize("size, value", [(65536, 11.090370), (4096, 8.318010)])
def test_equal_similarities(size, value):
    q = np.ones((2, 4), "float32")
    logits = losses.queue_logits(q, q, np.full((size, 4), 0.5, "float32"), 0.2)
    assert cross_entropy(logits) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(
    "size, temperature, value", [(65536, 0.2, 6.092617), (4096, 0.1, 0.170551)]
)
def test_aligned_with_an_orthogonal_queue(size, temperature, value):
    q, queue = np.eye(3, 8, dtype="float32"), np.zeros((size, 8), "float32")
    queue[:, 7] = 1
    logits = losses.queue_logits(q, q, queue, temperature)
    assert cross_entropy(logits) == pytest.approx(value, abs=1e-5)


def brute_force(q, k, queue, temperature):
    """The definition in float64, one query at a time."""
    total = 0.0
    for query, key in zip(q.astype("float64"), k.astype("float64"), strict=True):
        query, key = query / np.linalg.norm(query), key / np.linalg.norm(key)
        scores = np.exp(np.array([key @ query, *(queue @ query)]) / temperature)
        total -= np.log(scores[0] / scores.sum())
    return total / len(q)


def test_value_and_gradient_of_the_definition():
    random = np.random.default_rng(0)
    q, k = random.normal(size=(2, 3, 4)).astype("float32")
    queue = random.normal(size=(5, 4)).astype("float32")

    def loss(q):
        logits = losses.queue_logits(q, k, queue, 0.2)
        return losses.cross_entropy(logits, np.zeros(3, "int32"))

    assert float(loss(q)) == pytest.approx(brute_force(q, k, queue, 0.2), abs=1e-5)
    expected = slopes(lambda q: brute_force(q, k, queue, 0.2), q)
    np.testing.assert_allclose(gradient_of(loss, q), expected, rtol=0, atol=1e-5)


def test_key_networks_move_before_the_keys_are_made():
    """Algorithm 1: momentum update, keys, logits with the old queue, then push."""
    model = make("moco_v1")
    made = batch(model, images())
    query, key = made.views
    for w in model.projector.weights:
        w.assign(w + 1.0)
    old = model.teacher.networks[1].get_weights()
    queue = numpy(model.queue.rows)
    # As the step makes it: the networks of the test have moved only by the head.
    loss, _ = model.views_loss(made)
    for before, after, online in zip(
        old,
        model.teacher.networks[1].get_weights(),
        model.projector.get_weights(),
        strict=True,
    ):
        moved = (1 - model.momentum) * (online - before)
        np.testing.assert_allclose(after - before, moved, atol=1e-6)
    # What was pushed are this step's keys, of the networks that had moved already.
    again = make("moco_v1")
    again.set_weights(model.get_weights())
    pushed = losses.l2_normalize(again.keys(key))
    np.testing.assert_allclose(numpy(model.queue.rows)[:32], numpy(pushed), atol=1e-5)
    np.testing.assert_array_equal(numpy(model.queue.rows)[32:], queue[32:])

    # The loss saw the queue as it was.
    q = model.projector(model.features(query, training=True), training=True)
    expected = cross_entropy(losses.queue_logits(q, pushed, queue, model.temperature))
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_keys_come_back_in_order():
    """Without batch statistics a shuffle that is undone changes nothing."""
    encoder = tfssl.encoders.resnet10(16, stem="small", width=4, norm="none")
    model = tfssl.methods.MoCo(encoder, queue_size=64)
    x = images(16).astype("float32")
    plain = model.teacher(x, training=False)
    np.testing.assert_allclose(numpy(model.keys(x)), numpy(plain), atol=1e-5)


def test_no_key_shares_its_group_with_its_query():
    """The shuffle changes the groups, and each step anew."""
    model = make("moco_v1")
    x = images().astype("float32")
    first = numpy(model.keys(x))
    plain = numpy(model.teacher(x))
    assert not np.allclose(first, plain, atol=1e-4)
    model.step.assign_add(1)
    assert not np.allclose(numpy(model.keys(x)), first, atol=1e-4)


def test_presets_are_the_versions():
    v1, v2 = (tfssl.methods.recipe(f"moco_{v}", 224) for v in ("v1", "v2"))
    encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
    heads = [
        [type(layer).__name__ for layer in make_head(encoder, recipe).layers]
        for recipe in (v1, v2)
    ]
    assert heads == [["Dense"], ["Dense", "ReLU", "Dense"]]
    assert v1.arguments["temperature"] == 0.07 and v2.arguments["temperature"] == 0.2


def make_head(encoder, recipe):
    return tfssl.methods.MoCo(encoder, queue_size=8, **recipe.arguments).projector


@pytest.mark.matrix
def test_symmetric_adds_both_directions():
    model = make("moco_symmetric")
    made = batch(model, images())
    both = float(model.views_loss(made)[0])
    parts = []
    for pair in (made.views, made.views[::-1]):
        model = make("moco_symmetric")
        model.symmetric = False
        parts.append(float(model.views_loss(tfssl.methods.Batch(pair))[0]))
    assert both == pytest.approx(sum(parts), rel=1e-4)


def test_batches_that_queue_or_groups_do_not_take_are_refused():
    """Before training: with the error itself, not one from within a layer."""
    net = encoder(tfssl.layers.SplitBatchNormalization(groups=4))
    model = tfssl.methods.MoCo(net, views(), queue_size=8)
    model.compile("sgd")
    with pytest.raises(ValueError, match="^A queue of 8 .* Received: 16 rows"):
        model.fit(images(16), batch_size=16, verbose=0)
    with pytest.raises(ValueError, match="^A batch must be a multiple of 4.* of 6$"):
        model.fit(images(16), batch_size=6, verbose=0)
    model.check_batch(8)

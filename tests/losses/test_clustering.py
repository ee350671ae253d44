"""Sinkhorn's assignments and predictions of them; references are lightly's."""

from pathlib import Path

import numpy as np
import pytest
from gradients import gradient_of
from keras import ops

from tfssl import losses

FILE = Path(__file__).parents[1] / "references" / "lightly_clustering.npz"


@pytest.fixture(scope="module")
def reference():
    return dict(np.load(FILE))


def numpy(x):
    return ops.convert_to_numpy(x)


def scores(rows=64, prototypes=12, seed=0):
    random = np.random.default_rng(seed)
    return np.tanh(random.normal(size=(rows, prototypes))).astype("float32")


@pytest.mark.parametrize("iterations", [1, 3, 20])
def test_codes_of_lightly(reference, iterations):
    code = losses.sinkhorn(reference["scores"][0], iterations=iterations)
    np.testing.assert_allclose(code, reference[f"code_{iterations}"], atol=1e-5)


def test_codes_with_a_queue_of_lightly(reference):
    now, past = reference["scores"][0], reference["queue"][0]
    expected = reference["code_with_queue"]
    code = losses.sinkhorn(now, past=past)
    np.testing.assert_allclose(code, expected, atol=1e-5)
    assert np.abs(expected - reference["code_3"]).max() > 0.1
    # As if there were none.
    code = losses.sinkhorn(now, past=past, use_past=ops.convert_to_tensor(False))
    np.testing.assert_allclose(code, reference["code_3"], atol=1e-5)


@pytest.mark.parametrize("name", ["", "_with_queue"])
def test_swav_loss_and_gradient_of_lightly(reference, name):
    past = reference["queue"] if name else (None, None)

    def loss_of(x):
        codes = [losses.sinkhorn(x[a], epsilon=0.1, past=past[a]) for a in range(2)]
        return losses.swapped_prediction(codes, [x[v] / 0.2 for v in range(len(x))])

    x = reference["scores"]
    assert float(loss_of(x)) == pytest.approx(reference[f"swav_loss{name}"], abs=1e-5)
    expected = reference[f"swav_gradient{name}"]
    np.testing.assert_allclose(gradient_of(loss_of, x), expected, atol=1e-5)


def test_dino_loss_and_gradient_of_lightly(reference):
    teacher = (reference["teacher"] - reference["center"]) / 0.07

    def loss_of(x):
        logits = [x[v] / 0.1 for v in range(len(x))]
        return losses.swapped_prediction([ops.softmax(t) for t in teacher], logits)

    x = reference["student"]
    assert float(loss_of(x)) == pytest.approx(reference["dino_loss"], abs=1e-5)
    expected = reference["dino_gradient"]
    np.testing.assert_allclose(gradient_of(loss_of, x), expected, atol=1e-5)


@pytest.mark.parametrize("iterations", [3, 200])
def test_each_image_is_shared_out_and_each_prototype_used(iterations):
    code = numpy(losses.sinkhorn(scores(), iterations=iterations))
    np.testing.assert_allclose(code.sum(1), 1, atol=1e-5)
    # The share of all images that a prototype has; it is 1/12 in the end.
    found = code.mean(0)
    atol = 0.05 if iterations == 3 else 1e-3
    np.testing.assert_allclose(found, 1 / 12, atol=atol)


def test_a_shift_of_all_scores_is_no_difference_and_large_ones_do_not_overflow():
    x = scores()
    code = numpy(losses.sinkhorn(x))
    np.testing.assert_allclose(losses.sinkhorn(x + 7.0), code, atol=1e-4)
    assert np.isfinite(numpy(losses.sinkhorn(1e4 * x))).all()


def test_equal_scores_give_equal_shares():
    code = losses.sinkhorn(np.full((4, 5), 0.3, "float32"))
    np.testing.assert_allclose(code, 0.2, atol=1e-6)


def test_a_small_epsilon_gives_each_image_its_own_prototype():
    x = np.eye(4, dtype="float32") * 0.1
    np.testing.assert_allclose(losses.sinkhorn(x, 0.01), np.eye(4), atol=1e-3)
    assert numpy(losses.sinkhorn(x, 1.0)).max() < 0.3


@pytest.mark.parametrize("classes, value", [(3000, 8.006368), (65536, 11.090355)])
def test_equal_predictions_cost_the_logarithm_of_the_prototypes(classes, value):
    target = np.eye(2, classes, dtype="float32")
    logits = np.zeros((2, classes), "float32")
    loss = losses.swapped_prediction([target] * 2, [logits] * 3)
    assert float(loss) == pytest.approx(value, abs=1e-5)


def test_each_target_is_predicted_from_each_other_view():
    """The mean over 2 (V - 1) pairs, none of a view with itself."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(5, 3, 4)).astype("float32")
    targets = numpy(ops.softmax(random.normal(size=(2, 3, 4)).astype("float32")))
    predictions = np.log(numpy(ops.softmax(logits)))
    pairs = [(a, v) for a in range(2) for v in range(5) if v != a]
    assert len(pairs) == 2 * (5 - 1)
    each = [-(targets[a] * predictions[v]).sum(1).mean() for a, v in pairs]
    loss = losses.swapped_prediction(list(targets), list(logits))
    assert float(loss) == pytest.approx(np.mean(each), abs=1e-5)


def test_a_view_alone_has_nothing_to_predict():
    x = np.zeros((2, 3), "float32")
    with pytest.raises(ValueError, match="Received: 1 targets and 1 views"):
        losses.swapped_prediction([x], [x])


def test_targets_take_no_gradient():
    x, target = scores(4, 3), np.eye(4, 3, dtype="float32")

    def loss_of(y):
        return losses.swapped_prediction([losses.sinkhorn(y), y], [x, x])

    assert np.all(gradient_of(loss_of, target) == 0)


def test_entropy_and_perplexity_count_what_is_used():
    used = np.eye(6, 20, dtype="float32")
    assert float(losses.perplexity(used)) == pytest.approx(6, rel=1e-5)
    np.testing.assert_allclose(losses.entropy(used), 0, atol=1e-6)
    assert float(losses.entropy(np.full(5, 0.2))) == pytest.approx(np.log(5), rel=1e-5)

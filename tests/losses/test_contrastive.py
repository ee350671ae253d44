import numpy as np
import pytest
from gradients import gradient_of, slopes
from keras import ops

from tfssl import losses


def orthogonal_pairs(n, dim=512):
    z = np.eye(n, dim, dtype="float32")
    return z, z


@pytest.mark.parametrize("n, value", [(4, 1.945910), (8, 2.708050), (256, 6.236370)])
def test_equal_embeddings_give_log_of_the_candidates(n, value):
    z = np.ones((n, 16), "float32")
    assert float(losses.nt_xent(z, z)) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(
    "n, temperature, value",
    [(4, 0.5, 0.594438), (8, 0.1, 6.354e-4), (256, 0.5, 4.248795)],
)
def test_aligned_orthogonal_pairs(n, temperature, value):
    loss = float(losses.nt_xent(*orthogonal_pairs(n), temperature))
    assert loss == pytest.approx(value, abs=1e-5 if value > 1e-2 else 1e-7)


def brute_force(z_a, z_b, temperature):
    """The definition, one anchor and one candidate at a time, in float64."""
    z = np.concatenate([z_a, z_b]).astype("float64")
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    count = len(z)
    total = 0.0
    for i in range(count):
        partner = (i + count // 2) % count
        terms = [np.exp(z[i] @ z[j] / temperature) for j in range(count) if j != i]
        total -= np.log(np.exp(z[i] @ z[partner] / temperature) / sum(terms))
    return total / count


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_value_and_gradient_of_the_definition(temperature):
    random = np.random.default_rng(0)
    z_a, z_b = random.normal(size=(2, 6, 5)).astype("float32")
    value = float(losses.nt_xent(z_a, z_b, temperature))
    assert value == pytest.approx(brute_force(z_a, z_b, temperature), abs=1e-5)

    gradient = gradient_of(lambda z: losses.nt_xent(z, z_b, temperature), z_a)
    expected = slopes(lambda z: brute_force(z, z_b, temperature), z_a)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-5)


def test_invariances():
    random = np.random.default_rng(1)
    z_a, z_b = random.normal(size=(2, 7, 5)).astype("float32")
    value = float(losses.nt_xent(z_a, z_b))
    order = random.permutation(7)
    scale = random.uniform(0.1, 10, size=(7, 1)).astype("float32")
    assert float(losses.nt_xent(z_a[order], z_b[order])) == pytest.approx(value, 1e-5)
    assert float(losses.nt_xent(z_b, z_a)) == pytest.approx(value, 1e-5)
    assert float(losses.nt_xent(z_a * scale, z_b)) == pytest.approx(value, 1e-5)
    gradient = gradient_of(lambda z: losses.nt_xent(z, z_b), z_a)
    np.testing.assert_allclose(np.sum(gradient * z_a, axis=1), 0, atol=1e-6)


def test_a_high_temperature_sees_no_difference():
    z_a, z_b = np.random.default_rng(2).normal(size=(2, 4, 5))
    assert float(losses.nt_xent(z_a, z_b, 1e4)) == pytest.approx(np.log(7), abs=1e-3)


def test_the_loss_falls_when_the_positive_comes_nearer():
    far = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "float32")
    near = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]], "float32")
    anchor = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], "float32")
    assert float(losses.nt_xent(anchor, near)) != float(losses.nt_xent(anchor, far))
    values = [
        float(losses.nt_xent(np.eye(2, 4, dtype="float32"), angle_pairs(a)))
        for a in (1.2, 0.8, 0.4, 0.0)
    ]
    assert values == sorted(values, reverse=True)


def angle_pairs(angle):
    """Partners at an angle from the first two axes, towards axes of their own."""
    z = np.cos(angle) * np.eye(2, 4) + np.sin(angle) * np.eye(2, 4, k=2)
    return z.astype("float32")


def test_zero_embeddings_have_a_finite_gradient():
    z = np.zeros((3, 4), "float32")
    gradient = gradient_of(lambda x: losses.nt_xent(x, z), z)
    assert np.isfinite(gradient).all()


def test_half_precision_embeddings_are_compared_in_float32():
    random = np.random.default_rng(3)
    z_a, z_b = random.normal(size=(2, 8, 16)).astype("float32")
    low = losses.nt_xent(ops.cast(z_a, "bfloat16"), ops.cast(z_b, "bfloat16"), 0.1)
    assert low.dtype in ("float32", np.float32) or "float32" in str(low.dtype)
    assert float(low) == pytest.approx(float(losses.nt_xent(z_a, z_b, 0.1)), rel=0.02)


def test_accuracy_counts_partners_found():
    logits, positives = losses.nt_xent_logits(*orthogonal_pairs(5))
    assert float(losses.accuracy(logits, positives)) == 1.0
    z = np.eye(5, dtype="float32")
    logits, positives = losses.nt_xent_logits(z, np.roll(z, 1, axis=0))
    assert float(losses.accuracy(logits, positives)) == 0.0


def test_a_tie_finds_nothing():
    """A network that gives all images one embedding has an accuracy of 0."""
    z = np.ones((5, 4), "float32")
    assert float(losses.accuracy(*losses.nt_xent_logits(z, z))) == 0.0
    logits = np.array([[1.0, 1.0, 0.0], [2.0, 1.0, 1.0], [0.0, 1.0, 0.0]], "float32")
    labels = np.zeros(3, "int32")
    assert float(losses.accuracy(logits, labels)) == pytest.approx(1 / 3)
    assert float(losses.accuracy(logits[:, :1], labels)) == 1.0
    assert float(losses.accuracy(np.nan * logits, labels)) == 0.0


def test_the_largest_batch_that_fits_gives_one_image_no_other():
    z = np.ones((1, 4), "float32")
    # The one other embedding is the partner: log 1.
    assert float(losses.nt_xent(z, z)) == pytest.approx(0.0, abs=1e-6)

import keras
import numpy as np
import pytest

from tfssl.optimizers import LARS, Cosine


def steps(optimizer, weights, gradients):
    variables = [keras.Variable(w) for w in weights]
    optimizer.build(variables)
    for batch in gradients:
        optimizer.apply([np.asarray(g, "float32") for g in batch], variables)
    return [keras.ops.convert_to_numpy(v) for v in variables]


RANDOM = np.random.default_rng(0)
WEIGHT = RANDOM.normal(size=(4, 3)).astype("float32")
BIAS = RANDOM.normal(size=(3,)).astype("float32")
GRADIENTS = RANDOM.normal(size=(5, 4, 3)).astype("float32")


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_first_step_has_a_fixed_share_of_the_norm(scale):
    optimizer = LARS(0.3, weight_decay=0.01, trust_coefficient=0.001)
    (after,) = steps(optimizer, [WEIGHT], [[scale * GRADIENTS[0]]])
    expected = 0.3 * 0.001 * np.linalg.norm(WEIGHT)
    assert np.linalg.norm(after - WEIGHT) == pytest.approx(expected, rel=1e-3)


def test_biases_take_plain_steps():
    gradient = np.ones(3, "float32")
    (after,) = steps(LARS(0.3, weight_decay=0.1), [BIAS], [[gradient]])
    np.testing.assert_allclose(after, BIAS - 0.3, rtol=1e-5)
    slow = LARS(0.3, weight_decay=0.1, plain_rate=0.1)
    (after,) = steps(slow, [BIAS], [[gradient]])
    np.testing.assert_allclose(after, BIAS - 0.03, rtol=1e-5)
    moved = [
        steps(o, [WEIGHT], GRADIENTS[:1, None])[0] for o in (LARS(), LARS(plain_rate=9))
    ]
    np.testing.assert_array_equal(*moved)


def test_biases_may_be_adapted_like_all_others():
    gradient = np.ones(3, "float32")
    optimizer = LARS(0.3, weight_decay=0.1, adapt_all=True)
    (after,) = steps(optimizer, [BIAS], [[gradient]])
    decayed = gradient + 0.1 * BIAS
    ratio = 0.001 * np.linalg.norm(BIAS) / np.linalg.norm(decayed)
    np.testing.assert_allclose(after, BIAS - 0.3 * ratio * decayed, rtol=1e-5)
    assert LARS.from_config(optimizer.get_config()).adapt_all


def test_zero_weights_and_zero_gradients_have_ratio_one():
    zero = np.zeros((4, 3), "float32")
    (after,) = steps(LARS(0.3, weight_decay=0.0), [zero], [[GRADIENTS[0]]])
    np.testing.assert_allclose(after, -0.3 * GRADIENTS[0], rtol=1e-5)
    (after,) = steps(LARS(0.3, weight_decay=0.0), [WEIGHT], [[zero]])
    np.testing.assert_array_equal(after, WEIGHT)


def reference(rates, nesterov=False, rate_in_velocity=True):
    """The rules of the papers' codes in NumPy."""
    w, v = WEIGHT.astype("float64"), 0.0
    for rate, gradient in zip(rates, GRADIENTS, strict=True):
        g = gradient + 0.05 * w
        g = g * 0.001 * np.linalg.norm(w) / np.linalg.norm(g)
        if rate_in_velocity:
            v = 0.9 * v + rate * g
            w = w - (0.9 * v + rate * g if nesterov else v)
        else:
            v = 0.9 * v + g
            w = w - rate * (0.9 * v + g if nesterov else v)
    return w


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("rate_in_velocity", [False, True])
def test_five_steps_with_a_falling_rate(nesterov, rate_in_velocity):
    rates = [5.0, 4.0, 3.0, 2.0, 1.0]
    optimizer = LARS(
        keras.optimizers.schedules.PiecewiseConstantDecay([0, 1, 2, 3], rates),
        weight_decay=0.05,
        nesterov=nesterov,
        rate_in_velocity=rate_in_velocity,
    )
    (after,) = steps(optimizer, [WEIGHT], [[g] for g in GRADIENTS])
    expected = reference(rates, nesterov, rate_in_velocity)
    np.testing.assert_allclose(after, expected, rtol=1e-4)


def test_the_two_rules_differ_when_the_rate_changes_and_only_then():
    falling, constant = [5.0, 4.0, 3.0, 2.0, 1.0], [3.0] * 5
    np.testing.assert_allclose(
        reference(constant), reference(constant, rate_in_velocity=False)
    )
    difference = reference(falling) - reference(falling, rate_in_velocity=False)
    assert np.abs(difference).max() > 1e-4


def test_config_round_trip():
    optimizer = LARS(0.1, momentum=0.8, weight_decay=1e-4, nesterov=True)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, LARS)
    assert copy.get_config() == optimizer.get_config()
    # Keras's own weight decay, which is decoupled, stays off.
    assert copy.weight_decay is None


def test_what_is_excluded_does_not_decay():
    """Its gradient is zero, so that it stays."""
    kept, other = (keras.Variable(WEIGHT, name=name) for name in ("kept", "other"))
    optimizer = LARS(0.3, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["kept"])
    optimizer.build([kept, other])
    optimizer.apply([np.zeros_like(WEIGHT)] * 2, [kept, other])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(kept), WEIGHT)
    decayed = (1 - 0.3 * 0.001) * WEIGHT
    np.testing.assert_allclose(keras.ops.convert_to_numpy(other), decayed, rtol=1e-5)


@pytest.mark.parametrize(
    "name, value",
    [
        ("weight_decay", Cosine(0.1, 0.2)),
        ("weight_decay", -0.1),
        ("trust_coefficient", 0),
        ("momentum", 1.5),
        ("plain_rate", -1),
    ],
)
def test_numbers_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be.*Received: {name}="):
        LARS(**{name: value})

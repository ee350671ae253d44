import keras
import numpy as np
import pytest

from tfssl.optimizers import SGD, Cosine


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay_all", [False, True])
def test_weight_decay_is_added_to_the_gradient(nesterov, decay_all):
    random = np.random.default_rng(0)
    for shape in ((4, 3), (3,)):
        w = random.normal(size=shape)
        variable = keras.Variable(w.astype("float32"))
        optimizer = SGD(0.1, weight_decay=0.05, nesterov=nesterov, decay_all=decay_all)
        optimizer.build([variable])
        v = 0.0
        for gradient in random.normal(size=(4, *shape)):
            optimizer.apply([gradient.astype("float32")], [variable])
            g = gradient + (0.05 * w if decay_all or len(shape) > 1 else 0.0)
            v = 0.9 * v - 0.1 * g
            w = w + (0.9 * v - 0.1 * g if nesterov else v)
        result = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(result, w, rtol=1e-4, atol=1e-5)


def test_config_round_trip():
    optimizer = SGD(0.1, weight_decay=5e-4, decay_all=False)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert copy.get_config() == optimizer.get_config()
    assert copy.weight_decay is None


@pytest.mark.parametrize("by", ["var_list", "var_names"])
def test_what_is_excluded_does_not_decay(by):
    ones = np.ones((2, 2), "float32")
    kept, other = (keras.Variable(ones, name=name) for name in ("kept", "other"))
    optimizer = SGD(0.1, weight_decay=0.5)
    named = {"var_list": [kept], "var_names": ["kept"]}
    optimizer.exclude_from_weight_decay(**{by: named[by]})
    optimizer.build([kept, other])
    optimizer.apply([0 * ones] * 2, [kept, other])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(kept), 1.0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(other), 0.95)


@pytest.mark.parametrize("decay", [Cosine(0.1, 0.2), -0.1, None])
def test_a_decay_is_a_number(decay):
    with pytest.raises(
        ValueError, match="weight_decay must be.*Received: weight_decay"
    ):
        SGD(0.1, weight_decay=decay)

import keras
import numpy as np
import pytest

from tfssl.optimizers import SGD


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

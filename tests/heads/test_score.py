import numpy as np
import pytest
from keras import ops

from tfssl import heads


def numpy(x):
    return ops.convert_to_numpy(x)


def test_a_score_network_is_a_normalised_hidden_layer_and_shortcut():
    net = heads.score_network((2, 3, 5), 7, "score")
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
    kernel = numpy(heads.NearIdentity()(shape, "float32"))
    eye = np.eye(*shape, dtype=bool)
    assert (kernel[eye] == 1).all()
    noise = kernel[~eye]
    assert (
        0.005 < np.abs(noise).max() <= 0.01 and (noise > 0).any() and (noise < 0).any()
    )
    net = heads.score_network((shape[0],), shape[1], "score")
    assert (numpy(net.get_layer("shortcut").kernel)[eye] == 1).all()

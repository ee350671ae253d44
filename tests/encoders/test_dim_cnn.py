import keras
import numpy as np
import pytest
from keras import ops

import tfssl


def test_layers_of_the_paper():
    encoder = tfssl.encoders.dim_cnn(32)
    shapes = {n: encoder.get_layer(n).output.shape[1:] for n in ("local", "conv", "fc")}
    assert shapes == {"local": (8, 8, 128), "conv": (4, 4, 256), "fc": (1024,)}
    with pytest.raises(ValueError, match="at least 8 x 8 pixels. Received"):
        tfssl.encoders.dim_cnn(7)


@pytest.mark.parametrize("norm", tfssl.layers.NORMS)
def test_any_size_channels_and_norm(norm):
    encoder = tfssl.encoders.dim_cnn((8, 12), 4, dim=6, norm=norm, channels=1)
    assert encoder.output_shape == (None, 6)
    kinds = {type(layer).__name__ for layer in encoder.layers}
    assert ("LayerNormalization" in kinds) == (norm == "layer")
    assert encoder.get_layer("fc_linear").use_bias == (norm == "none")


def test_a_cut_shares_its_weights():
    encoder = tfssl.encoders.dim_cnn(16, width=4, dim=8)
    conv = tfssl.encoders.cut(encoder, "conv")
    x = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    before = ops.convert_to_numpy(conv(x))
    assert before.shape == (2, 64)
    for w in encoder.weights:
        w.assign(w + 0.1)
    assert not np.allclose(ops.convert_to_numpy(conv(x)), before)
    with pytest.raises(ValueError, match="no layer 'nine'. Received"):
        tfssl.encoders.cut(encoder, "nine")


def test_a_sequential_is_not_functional_and_can_be_made_so():
    layers = [keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3, name="c")]
    encoder = keras.Sequential(layers)
    with pytest.raises(ValueError, match="must be a functional .*Sequential$"):
        tfssl.encoders.cut(encoder, "c")
    functional = keras.Model(encoder.inputs[0], encoder.outputs[0])
    assert tfssl.encoders.cut(functional, "c").output_shape == (None, 8)

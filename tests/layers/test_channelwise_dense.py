import numpy as np
from keras import ops

import tfssl


def test_each_channel_is_a_dense_layer_of_its_own():
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 4)).astype("float32")
    layer = tfssl.layers.ChannelwiseDense()
    y = ops.convert_to_numpy(layer(x))
    kernel = ops.convert_to_numpy(layer.kernel)
    for channel in range(4):
        expected = x[..., channel].reshape(2, 6) @ kernel[channel]
        np.testing.assert_allclose(
            y[..., channel].reshape(2, 6), expected, rtol=1e-5, atol=1e-6
        )


def test_weights_of_the_alexnet_variant():
    layer = tfssl.layers.ChannelwiseDense()
    layer.build((None, *tfssl.encoders.alexnet(227).output_shape[1:]))
    assert layer.count_params() == 331_776

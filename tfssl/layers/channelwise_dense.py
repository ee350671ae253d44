"""A fully connected layer for each channel of a map."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfssl")
class ChannelwiseDense(keras.layers.Layer):
    """Connects every position of a map with every other, one channel at a time.

    With `m` channels of `n` positions it has `m n^2` weights, a dense layer `m^2 n^2`.

    Call arguments:
        x: `[batch, height, width, channels]` of a known size.

    Returns:
        Tensor of the same shape. Channel c depends on channel c only.

    Example:
        >>> import keras, tfssl
        >>> layer = tfssl.layers.ChannelwiseDense()
        >>> layer.build((None, 6, 6, 256))
        >>> layer.count_params()
        331776

    Source: Pathak et al. 2016, arXiv 1604.07379, section 3.1.
    """

    def build(self, input_shape):
        _, height, width, channels = input_shape
        positions = height * width
        self.kernel = self.add_weight(
            name="kernel",
            shape=(channels, positions, positions),
            initializer=keras.initializers.RandomNormal(stddev=positions**-0.5),
        )
        self.built = True

    def call(self, x):
        _, height, width, channels = x.shape
        positions = ops.reshape(x, (-1, height * width, channels))
        mixed = ops.einsum("bnc,cnm->bmc", positions, self.kernel)
        return ops.reshape(mixed, (-1, height, width, channels))

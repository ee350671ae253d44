"""How a selective kernel squeezes two branches, and mixes them."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfssl")
class SqueezeHalves(keras.layers.Layer):
    """Adds the two halves of the channels, and takes the mean over all positions.

    Call arguments:
        both: `[batch, height, width, 2 channels]`, two branches side by side.

    Returns:
        Tensor `[batch, 1, 1, channels]`.

    Example:
        >>> import keras, tfssl
        >>> both = keras.ops.ones((2, 8, 8, 6))
        >>> tuple(tfssl.layers.SqueezeHalves()(both).shape)
        (2, 1, 1, 3)

    Source: Li et al. 2019, arXiv 1903.06586, section 3.1, "Fuse".
    """

    def call(self, both):
        a, b = ops.split(both, 2, axis=-1)
        return ops.mean(a + b, axis=(1, 2), keepdims=True)


@keras.saving.register_keras_serializable("tfssl")
class MixHalves(keras.layers.Layer):
    """Mixes the two halves of the channels by a softmax over two scores a channel.

    Call arguments:
        both: `[batch, height, width, 2 channels]`, two branches side by side.
        scores: `[batch, 1, 1, 2 channels]`, of the first branch, then of the second.

    Returns:
        Tensor `[batch, height, width, channels]`.

    Example:
        >>> import keras, tfssl
        >>> both = keras.ops.ones((2, 8, 8, 6))
        >>> tuple(tfssl.layers.MixHalves()(both, keras.ops.zeros((2, 1, 1, 6))).shape)
        (2, 8, 8, 3)

    Source: Li et al. 2019, arXiv 1903.06586, section 3.1, "Select".
    """

    def call(self, both, scores):
        a, b = ops.split(both, 2, axis=-1)
        of_a, of_b = ops.split(scores, 2, axis=-1)
        # A softmax over two.
        weight = ops.sigmoid(of_a - of_b)
        return weight * a + (1.0 - weight) * b

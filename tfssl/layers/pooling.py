"""From a feature map to features."""

from keras import ops


def pooled(features):
    """Features `[batch, dim]`: a map `[batch, h, w, dim]` is averaged.

    Args:
        features: tensor of either shape.

    Returns:
        Tensor `[batch, dim]`.

    Example:
        >>> import keras, tfssl
        >>> tfssl.layers.pooled(keras.ops.ones((2, 4, 4, 8))).shape[1]
        8
    """
    return ops.mean(features, axis=(1, 2)) if features.ndim == 4 else features

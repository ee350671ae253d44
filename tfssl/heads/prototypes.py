"""Prototypes: directions that embeddings are compared with."""

import keras

from tfssl import losses


def prototype_layer(input_dim, count, name="prototypes"):
    """Similarities of embeddings with unit vectors, which stay so as they learn.

    The lengths are brought back to 1 after each step of the optimizer, which is no part
    of the gradient.

    Args:
        input_dim: int, width of an embedding.
        count: int, prototypes.
        name: string.

    Returns:
        A built `keras.layers.Dense` without bias, `[batch, input_dim]` to
        `[batch, count]`, in float32.

    Example:
        >>> import keras, tfssl
        >>> layer = tfssl.heads.prototype_layer(16, 100)
        >>> lengths = keras.ops.norm(layer.kernel, axis=0)
        >>> round(float(keras.ops.max(lengths)), 4), tuple(layer.kernel.shape)
        (1.0, (16, 100))

    Source: Caron et al. 2020, arXiv 2006.09882, section 3.1.
    """
    layer = keras.layers.Dense(
        count,
        use_bias=False,
        kernel_constraint=keras.constraints.UnitNorm(axis=0),
        dtype="float32",
        name=name,
    )
    layer.build((None, input_dim))
    columns = keras.ops.transpose(keras.ops.convert_to_tensor(layer.kernel))
    layer.kernel.assign(keras.ops.transpose(losses.l2_normalize(columns)))
    return layer

"""Decoders of pixels, and discriminators that judge them."""

import math

import keras

from tfssl import layers


def decoder(features_shape, size, width, name="decoder"):
    """From features, or a map of them, to pixels in [-1, 1].

    Args:
        features_shape: tuple, `(dim,)` or `(height, width, dim)`.
        size: int, side of what it gives.
        width: int, channels before the last layer; before that they double.
        name: string.

    Returns:
        `keras.Model` to `[batch, size, size, 3]`.
    """
    inputs = x = keras.Input(features_shape)
    start = 4 if len(features_shape) == 1 else features_shape[0]
    doublings = max(round(math.log2(size / start)), 1)
    filters = [width * 2 ** min(n, 3) for n in reversed(range(doublings))]
    if len(features_shape) == 1:
        x = keras.layers.Reshape((1, 1, features_shape[0]))(x)
        x = _up(x, filters[0], 1, "valid")
    else:
        x = layers.ChannelwiseDense(name="channelwise")(x)
        x = keras.layers.Conv2D(filters[0], 1, use_bias=False)(x)
        x = keras.layers.ReLU()(layers.BatchNormalization()(x))
    for count in filters[1:]:
        x = _up(x, count)
    x = keras.layers.Conv2DTranspose(
        3, 4, 2, "same", kernel_initializer=_normal(), dtype="float32", name="pixels"
    )(x)
    if x.shape[1] != size:
        x = keras.layers.Resizing(size, size, dtype="float32")(x)
    x = keras.layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, x, name=name)


def discriminator(size, width, name="discriminator"):
    """Tells pixels that were there from fillings; it does not see the context.

    Args:
        size: int, side of what it sees.
        width: int, channels of the first layer; then they double.
        name: string.

    Returns:
        `keras.Model`, `[batch, size, size, 3]` with pixels in [-1, 1] to logits
        `[batch, 1]`.
    """
    inputs = x = keras.Input((size, size, 3))
    for number in range(max(round(math.log2(size / 4)), 1)):
        x = keras.layers.Conv2D(
            width * 2 ** min(number, 3),
            4,
            2,
            "same",
            use_bias=number == 0,
            kernel_initializer=_normal(),
        )(x)
        if number:
            x = layers.BatchNormalization()(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(1, kernel_initializer=_normal(), dtype="float32")(x)
    return keras.Model(inputs, x, name=name)


def _up(x, filters, stride=2, padding="same"):
    x = keras.layers.Conv2DTranspose(
        filters, 4, stride, padding, use_bias=False, kernel_initializer=_normal()
    )(x)
    return keras.layers.ReLU()(layers.BatchNormalization()(x))


def _normal():
    # One for each layer: an initializer gives the same numbers twice.
    return keras.initializers.RandomNormal(stddev=0.02)

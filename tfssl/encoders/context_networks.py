"""The networks of Context Encoders."""

import keras

from tfssl.encoders.parts import local_map
from tfssl.encoders.scaling import pixel_scaling
from tfssl.layers import BatchNormalization

# Its last pooling leaves one position.
_SMALLEST_ALEXNET = 67


def context_cnn(image_size=128, width=64, bottleneck=4000, name="context_cnn"):
    """Convolutions of stride 2 down to 4 x 4, then one vector.

    Args:
        image_size: int, 4 times a power of two. Defaults to 128.
        width: int, channels of the first two convolutions; they double after that, up
            to 8 times. Defaults to 64.
        bottleneck: int, width of the features. Defaults to 4000.
        name: string.

    Returns:
        A functional `keras.Model` from images `[batch, size, size, 3]` with pixel
        values in [0, 255] to features `[batch, bottleneck]`. Its part `local` is the
        map of 4 x 4.

    Raises:
        ValueError: for another image size.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.context_cnn(32, width=8, bottleneck=100).output_shape
        (None, 100)

    Source: Pathak et al. 2016, arXiv 1604.07379, section 5.1 and the authors' code.
    """
    image_size = _side(image_size)
    halvings = (image_size // 4).bit_length() - 1
    if halvings < 1 or 4 * 2**halvings != image_size:
        raise ValueError(
            "image_size must be 4 times a power of two. Received: "
            f"image_size={image_size}"
        )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = pixel_scaling((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))(images)
    for number in range(halvings):
        filters = width * 2 ** min(max(number - 1, 0), 3)
        x = keras.layers.Conv2D(
            filters,
            4,
            2,
            "same",
            use_bias=number == 0,
            kernel_initializer=_normal(),
            name=f"conv{number + 1}",
        )(x)
        if number:
            x = BatchNormalization(name=f"norm{number + 1}")(x)
        x = keras.layers.LeakyReLU(0.2, name=f"relu{number + 1}")(x)
    x = local_map(x)
    x = keras.layers.Conv2D(
        bottleneck, 4, use_bias=False, kernel_initializer=_normal(), name="bottleneck"
    )(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = BatchNormalization(name="bottleneck_norm")(x)
    x = keras.layers.LeakyReLU(0.2, name="features")(x)
    return keras.Model(images, x, name=name)


def alexnet(image_size=227, width=96, name="alexnet"):
    """The convolutions of AlexNet up to the fifth pooling: a feature map.

    Args:
        image_size: int, at least 67. Defaults to 227, which gives a map of 6 x 6.
        width: int, channels of the first convolution; the map has 8/3 of it.
            Defaults to 96.
        name: string.

    Returns:
        A functional `keras.Model` from images `[batch, size, size, 3]` with pixel
        values in [0, 255] to a feature map, which is its part `local`.

    Raises:
        ValueError: for smaller images.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.alexnet(227).output_shape
        (None, 6, 6, 256)

    Source: Krizhevsky et al. 2012; with batch normalisation instead of local response
    normalisation.
    """
    image_size = _side(image_size)
    if image_size < _SMALLEST_ALEXNET:
        raise ValueError(
            f"image_size must be at least {_SMALLEST_ALEXNET} for alexnet, so that its "
            f"poolings leave something. Received: image_size={image_size}"
        )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = pixel_scaling((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))(images)
    layers = (
        (width, 11, 4, "valid", True),
        (width * 8 // 3, 5, 1, "same", True),
        (width * 4, 3, 1, "same", False),
        (width * 4, 3, 1, "same", False),
        (width * 8 // 3, 3, 1, "same", True),
    )
    for number, (filters, kernel, stride, padding, pool) in enumerate(layers, start=1):
        x = keras.layers.Conv2D(
            filters, kernel, stride, padding, use_bias=False, name=f"conv{number}"
        )(x)
        x = BatchNormalization(name=f"norm{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(x)
        if pool:
            x = keras.layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
    return keras.Model(images, local_map(x), name=name)


def _normal():
    # A new one for each layer: one initializer would give all of them equal numbers.
    return keras.initializers.RandomNormal(stddev=0.02)


def _side(image_size):
    """The side of square images, given as it is or as `(side, side)`."""
    sides = set(image_size) if isinstance(image_size, (tuple, list)) else {image_size}
    side = sides.pop()
    if sides or not isinstance(side, int):
        raise ValueError(
            "It takes square images of a known size: image_size is an int. Received: "
            f"image_size={image_size!r}"
        )
    return side

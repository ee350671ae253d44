"""The small convolutional network of Deep InfoMax."""

import keras

from tfssl.encoders.scaling import pixel_scaling
from tfssl.layers import normalize


def dim_cnn(
    image_size=32, width=64, dim=1024, norm="batch", channels=3, name="dim_cnn"
):
    """Three strided convolutions and a fully connected layer.

    Deep InfoMax learns from the part `local`, the map of the second convolution; it is
    measured on the layers `conv`, the map of the third, and `fc`, the features.

    Args:
        image_size: int, or tuple `(height, width)`. Defaults to 32.
        width: int, channels of the first convolution; the next have 2 and 4 times as
            many. Defaults to 64.
        dim: int, width of the fully connected layer. Defaults to 1024.
        norm: "batch", "split", "layer" or "none", see `tfssl.layers.normalize`.
            Defaults to "batch".
        channels: int, 3 for images. Another number is for views made of images, which
            are taken as they are. Defaults to 3.
        name: string.

    Returns:
        A functional `keras.Model` from images `[batch, height, width, channels]` with
        pixel values in [0, 255] to features `[batch, dim]`.

    Raises:
        ValueError: for images of fewer than 8 pixels a side, or another norm.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.dim_cnn(32).get_layer("local").output.shape
        (None, 8, 8, 128)

    Source: Hjelm et al. 2018, arXiv 1808.06670, appendix A.2.
    """
    shape = tuple(image_size) if isinstance(image_size, (tuple, list)) else image_size
    shape = shape if isinstance(shape, tuple) else (shape, shape)
    if None in shape or min(shape) < 8:
        raise ValueError(
            "Three convolutions of stride 2 need images of at least 8 x 8 pixels, and "
            "the layer after them a known size. "
            f"Received: image_size={image_size}"
        )
    bias = norm == "none"
    x = images = keras.Input((*shape, channels), name="images")
    if channels == 3:
        x = pixel_scaling((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))(images)
    for layer, filters in (("first", width), ("local", 2 * width), ("conv", 4 * width)):
        x = keras.layers.Conv2D(
            filters, 4, 2, "same", use_bias=bias, name=f"{layer}_conv"
        )(x)
        x = normalize(x, norm, name=f"{layer}_norm")
        x = keras.layers.ReLU(name=layer)(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(dim, use_bias=bias, name="fc_linear")(x)
    x = normalize(x, norm, name="fc_norm")
    return keras.Model(images, keras.layers.ReLU(name="fc")(x), name=name)

"""Encoders for images of another size than they were made for."""

import keras

from tfssl.encoders.vits import grid_of


def at_size(encoder, image_size):
    """The encoder for images of another size, with which it shares its weights.

    A convolutional network is the same at any size; a vision transformer interpolates
    its positions, bicubically as DINO does. Make it once, not in each step.

    Args:
        encoder: functional `keras.Model` of images.
        image_size: int, or tuple `(height, width)`.

    Returns:
        Functional `keras.Model`; the encoder itself if it takes this size.

    Raises:
        ValueError: for a network that has weights for images of one size only, or
            patches that do not fill the image.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.vit(32, width=64, depth=1)
        >>> small = tfssl.encoders.at_size(encoder, 16)
        >>> small.input_shape, small.output_shape
        ((None, 16, 16, 3), (None, 64))
        >>> small.weights[0] is encoder.weights[0]
        True
    """
    size = (image_size,) * 2 if isinstance(image_size, int) else tuple(image_size)
    if size == tuple(encoder.input_shape[1:3]):
        return encoder
    if not hasattr(encoder, "operations"):
        raise ValueError(
            "encoder must be a functional keras.Model; tfssl.encoders.adapt(encoder) "
            f"makes one of another. Received: {encoder.name}, {type(encoder).__name__}"
        )
    for layer in encoder.layers:
        if layer.name == "patch_embedding":
            grid_of(size, layer.strides[0])
    images = keras.Input((*size, encoder.input_shape[-1]), name="images")
    try:
        sized = keras.models.clone_model(
            encoder, input_tensors=images, clone_function=lambda layer: layer
        )
    except ValueError as error:
        raise ValueError(
            f"{encoder.name} for {encoder.input_shape} cannot take images of "
            f"{size[0]} x {size[1]}: {error}"
        ) from error
    if sized.output_shape[-1] != encoder.output_shape[-1]:
        raise ValueError(
            f"{encoder.name} gives other features at another size. Received: "
            f"image_size={image_size}, features of {sized.output_shape} instead of "
            f"{encoder.output_shape}"
        )
    return sized

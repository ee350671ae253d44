"""Encoders at other image sizes than their own."""

import weakref

import keras

from tfssl.encoders.vits import grid_of
from tfssl.training import input_size

# Of each encoder those for other sizes. They are no part of it, so that it is saved and
# counted without them.
_MADE = weakref.WeakKeyDictionary()


def at_size(encoder, size):
    """An encoder for images of another size, with the same weights.

    A functional model takes images of the one size it was made for. Its layers are
    called once more, for the other size; the statistics of normalisation are shared. A
    vision transformer interpolates its positions, bicubically as DINO does.

    Args:
        encoder: `keras.Model` from images `[batch, height, width, 3]`.
        size: int, or tuple `(height, width)`.

    Returns:
        `keras.Model`: the encoder itself if it takes this size, else one that is made
        when it is first asked for.

    Raises:
        ValueError: for an encoder with layers that only fit its own size, such as a
            dense layer on a flattened map, or patches that do not fill the image.

    Example:
        >>> import keras, tfssl
        >>> encoder = tfssl.encoders.resnet10(32, stem="small", width=4, pooling=False)
        >>> small = tfssl.encoders.at_size(encoder, 16)
        >>> small.output_shape, small.layers[-1] is encoder.layers[-1]
        ((None, 2, 2, 32), True)
    """
    size = (size, size) if isinstance(size, int) else tuple(size)
    own = input_size(encoder)
    if all(a in (None, b) for a, b in zip(own, size, strict=True)):
        return encoder
    made = _MADE.setdefault(encoder, {})
    if size not in made:
        try:
            other = _remade(encoder, size)
            if other.output_shape[-1] != encoder.output_shape[-1]:
                raise ValueError(f"Its features would be {other.output_shape}")
        except ValueError as error:
            raise ValueError(
                f"{encoder.name} works on images of {own} pixels only. Choose views of "
                "this size, or an encoder for any size, such as a residual network. "
                f"Received: images of {size} pixels. {error}"
            ) from error
        made[size] = other
    return made[size]


def _remade(encoder, size):
    for layer in encoder.layers:
        if layer.name == "patch_embedding":
            grid_of(size, layer.strides[0])
    images = keras.Input((*size, encoder.input_shape[-1]), name="images")
    if isinstance(encoder, keras.Sequential):
        x = images
        for layer in encoder.layers:
            x = _call(layer, x)
        return keras.Model(images, x, name=encoder.name)
    return keras.models.clone_model(
        encoder,
        input_tensors=images,
        clone_function=lambda layer: layer,
        call_function=_call,
    )


def _call(layer, *args, **kwargs):
    if isinstance(layer, keras.Model) and len(args) == 1 and _is_map(args[0]):
        # A network inside is for one size, too.
        layer = at_size(layer, args[0].shape[1:3])
    return layer(*args, **kwargs)


def _is_map(x):
    return isinstance(x, keras.KerasTensor) and len(x.shape) == 4

"""Tokens of some of the patches of an image, with the weights of an encoder."""

from keras import ops

from tfssl.encoders.parts import output_of, part
from tfssl.layers import ClassToken, TransformerBlock


def token_grid(encoder):
    """Rows and columns of the patches of a vision transformer's images.

    Args:
        encoder: `tfssl.encoders.vit`, or another with the part `patch_embedding`.

    Returns:
        Pair of ints.

    Raises:
        ValueError: for an encoder without this part.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.token_grid(tfssl.encoders.vit((32, 48), 16, depth=1))
        (2, 3)
    """
    part(encoder, "patch_embedding")
    return tuple(output_of(encoder, "patch_embedding").shape[1:3])


def has_class_token(encoder):
    """Whether the first token of a vision transformer is no patch: a bool."""
    return any(isinstance(layer, ClassToken) for layer in encoder.layers)


def encode_tokens(encoder, images, keep=None, attended=None, training=False):
    """Tokens of an image of which the encoder sees some patches only.

    Patches get their positions before they are chosen, so that each token is the one of
    its place. No computation is spent on the others.

    Args:
        encoder: `tfssl.encoders.vit`, or another chain of layers with its parts
            `positions` and `tokens`.
        images: `[batch, height, width, 3]`, pixel values in [0, 255]; of any size that
            the patches fill.
        keep: int `[batch, kept]`, the patches, counted row by row. Defaults to None,
            all.
        attended: bool `[batch, kept]`, which of them the others see, for images that
            keep fewer than there is room for. Defaults to None, all.
        training: bool. Defaults to False.

    Returns:
        `[batch, kept, width]`, what `tokens` gives; one more, the first, if the encoder
        has a class token.

    Raises:
        ValueError: for an encoder without these parts.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.vit(32, width=64, depth=1)
        >>> images = np.zeros((2, 32, 32, 3), "uint8")
        >>> keep = np.array([[0, 5, 7], [1, 2, 63]])
        >>> tuple(tfssl.encoders.encode_tokens(encoder, images, keep).shape)
        (2, 4, 64)
    """
    for name in ("positions", "tokens"):
        part(encoder, name)
    x = images
    for layer in encoder.layers[1:]:
        if isinstance(layer, ClassToken) and attended is not None:
            attended = ops.pad(attended, ((0, 0), (1, 0)), constant_values=True)
        if isinstance(layer, TransformerBlock):
            x = layer(x, attended=attended, training=training)
        else:
            x = layer(x)
        if layer.name == "positions" and keep is not None:
            x = ops.take_along_axis(x, keep[:, :, None], axis=1)
        if layer.name == "tokens":
            return x

"""Vision transformers: images as sequences of patches."""

import inspect

import keras
import numpy as np

from tfssl import views
from tfssl.checks import check_count
from tfssl.encoders.drop_path import DropPathBlock
from tfssl.encoders.scaling import pixel_scaling
from tfssl.layers import ClassToken, PooledTokens, Positions, xavier


def vit(
    image_size=224,
    patch_size=None,
    *,
    width=192,
    depth=12,
    heads=None,
    positions="learned",
    class_token=True,
    pool="class",
    drop_path=0.0,
    mean=None,
    std=None,
    name="vit",
):
    """A vision transformer from plain images to features.

    A chain of layers: `pixel_scaling`, `patch_embedding`, `positions`, `class_token`,
    `block_1` to the last block, `norm`, `tokens` and `features`. It takes images of the
    one size that it is made for; `tfssl.encoders.at_size` gives the same network, with
    interpolated positions, for another.

    Matrices begin as Xavier's, tokens and positions as a normal distribution with a
    standard deviation of 0.02.

    Args:
        image_size: int, or tuple `(height, width)`. Defaults to 224.
        patch_size: int, height and width of a patch; it divides the image's. Defaults
            to 4 for images of up to 64 pixels, else 16.
        width: int, width of the tokens and features. Defaults to 192.
        depth: int, number of blocks. Defaults to 12.
        heads: int, attention heads. Defaults to one for each 64 channels.
        positions: "learned", or "sincos" for fixed ones. Defaults to "learned".
        class_token: bool, whether there is a token besides those of the patches.
            Defaults to True.
        pool: what the features are: "class" for the class token, or "mean" for the mean
            of the patches'. Defaults to "class".
        drop_path: float in [0, 1), the probability to leave out the last block's
            branches in training; it grows linearly from 0 for the first. Defaults to 0.
        mean, std: sequences of 3 floats for pixel values in [0, 1], subtracted and
            divided by inside the encoder. By default pixels are scaled to [0, 1] and
            not standardised.
        name: string.

    Returns:
        A functional `keras.Model` from images `[batch, height, width, 3]` with pixel
        values in [0, 255] to features `[batch, width]`. Its part `tokens` gives them
        before pooling, the class token first.

    Raises:
        ValueError: for images that the patches do not fill, a width that the heads do
            not divide, other positions or pools, or a number out of range.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.vit(32, width=64, depth=2)
        >>> encoder.output_shape, encoder.get_layer("tokens").output.shape
        ((None, 64), (None, 65, 64))

    Source: Dosovitskiy et al. 2020, arXiv 2010.11929; Tiny and Small: Touvron et al.
    2020, arXiv 2012.12877, table 1.
    """
    if isinstance(image_size, int):
        image_size = (image_size, image_size)
    if image_size is None or None in image_size:
        raise ValueError(
            "A vision transformer has positions for images of one size; "
            "tfssl.encoders.at_size takes it to others. Received: "
            f"image_size={image_size}"
        )
    if patch_size is None:
        patch_size = 4 if np.max(image_size) <= views.SMALL_IMAGE else 16
    check_count(patch_size=patch_size, width=width, depth=depth)
    grid = grid_of(image_size, patch_size)
    heads = max(width // 64, 1) if heads is None else heads
    images = keras.Input((*image_size, 3), name="images")
    x = pixel_scaling(mean, std)(images)
    x = keras.layers.Conv2D(
        width,
        patch_size,
        patch_size,
        kernel_initializer=xavier(3 * patch_size**2, width),
        name="patch_embedding",
    )(x)
    x = Positions(grid, positions)(x)
    if class_token:
        x = ClassToken(position=positions == "learned")(x)
    for number in range(depth):
        rate = drop_path * number / max(depth - 1, 1)
        x = DropPathBlock(heads, drop_path=rate, name=f"block_{number + 1}")(x)
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = keras.layers.Identity(name="tokens")(x)
    x = PooledTokens(pool, class_token)(x)
    return keras.Model(images, x, name=name)


def grid_of(image_size, patch_size):
    """Rows and columns of patches, if they fill the image."""
    if any(side % patch_size or side < patch_size for side in image_size):
        raise ValueError(
            f"Patches of {patch_size} pixels must fill the image. Received: images of "
            f"{image_size[0]} x {image_size[1]}"
        )
    return tuple(side // patch_size for side in image_size)


def _completed(function):
    """Gives a network the signature of `vit`, with the defaults that are its own."""
    own = inspect.signature(function).parameters
    of_all = inspect.signature(vit).parameters
    function.__signature__ = inspect.Signature(
        [own.get(name, parameter) for name, parameter in of_all.items()]
    )
    return function


@_completed
def vit_tiny(*args, width=192, depth=12, name="vit_tiny", **kwargs):
    """ViT-Ti: 12 blocks of width 192, 3 heads. The arguments are those of `vit`.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.vit_tiny(32, depth=1).output_shape
        (None, 192)
    """
    return vit(*args, width=width, depth=depth, name=name, **kwargs)


@_completed
def vit_small(*args, width=384, depth=12, name="vit_small", **kwargs):
    """ViT-S: 12 blocks of width 384, 6 heads. The arguments are those of `vit`."""
    return vit(*args, width=width, depth=depth, name=name, **kwargs)


@_completed
def vit_base(*args, width=768, depth=12, name="vit_base", **kwargs):
    """ViT-B: 12 blocks of width 768, 12 heads. The arguments are those of `vit`."""
    return vit(*args, width=width, depth=depth, name=name, **kwargs)


@_completed
def vit_large(*args, width=1024, depth=24, name="vit_large", **kwargs):
    """ViT-L: 24 blocks of width 1024, 16 heads. The arguments are those of `vit`."""
    return vit(*args, width=width, depth=depth, name=name, **kwargs)

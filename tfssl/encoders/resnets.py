"""ResNet encoders (v1.5) for images of any size."""

import inspect

import keras

from tfssl.encoders import STEMS
from tfssl.encoders.parts import local_map
from tfssl.encoders.resnet_blocks import Builder, basic_block, bottleneck_block
from tfssl.encoders.scaling import pixel_scaling
from tfssl.layers import NORMS

# How the max-pooling of the stem is padded.
STEM_POOLS = ("symmetric", "same")
# depth: (blocks of each stage, bottleneck)
_DEPTHS = {
    10: ((1, 1, 1, 1), False),
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


def resnet(
    depth,
    image_size=224,
    *,
    width=64,
    stem="imagenet",
    stem_pool="symmetric",
    zero_init_residual=True,
    norm="batch",
    synchronized=True,
    selective_kernels=False,
    pooling=True,
    channels=3,
    mean=None,
    std=None,
    name=None,
):
    """A ResNet from plain images to features.

    The "v1.5" arrangement: normalisation after each convolution, and the stride on the
    3x3 convolution. Padding is symmetric as in PyTorch's networks.

    Args:
        depth: 10, 18, 34, 50, 101 or 152.
        image_size: int, tuple `(height, width)`, or None for any size.
            Defaults to 224.
        width: int, channels of the first stage; the features have 8 times as many
            (ResNet-50: 32 times). Defaults to 64.
        stem: "imagenet" (7x7 convolution with stride 2, then max-pooling) or "small"
            (3x3 convolution, no pooling; for images up to about 64 pixels). Defaults to
            "imagenet".
        stem_pool: "symmetric" (one row of zeros all around before the max-pooling, as
            PyTorch pads) or "same" (as TensorFlow pads: for an even size at the bottom
            right only). Defaults to "symmetric".
        zero_init_residual: bool, whether each block starts as the identity. Defaults to
            True.
        norm: "batch", "split", "layer" or "none", see `tfssl.layers.normalize`.
            Defaults to "batch".
        synchronized: bool, whether replicas share batch statistics. Defaults to True.
        selective_kernels: bool, whether two 3x3 convolutions take the place of each
            one, and are mixed by channel, with the stem and the shortcuts of ResNet-D.
            For depths of 50 or more. Defaults to False.
        pooling: bool, True for features `[batch, dim]`, False for the feature map
            `[batch, h, w, dim]`. Defaults to True.
        channels: int, 3 for images. Another number is for views made of images, which
            are taken as they are. Defaults to 3.
        mean, std: sequences of 3 floats for pixel values in [0, 1], subtracted and
            divided by inside the encoder. By default pixels are scaled to [0, 1] and
            not standardised, as in SimCLR.
        name: string. Defaults to `resnet{depth}` with the width if it is not 64.

    Returns:
        A functional `keras.Model` from images `[batch, height, width, 3]` with pixel
        values in [0, 255] to features. Its part `local` is the last feature map.

    Raises:
        ValueError: for an unknown depth, stem, stem_pool or norm, selective kernels at
            a depth below 50, or a mean and std for other than 3 channels.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.resnet(10, 64, width=8, pooling=False)
        >>> encoder.output_shape
        (None, 2, 2, 64)

    Source: He et al. 2015, arXiv 1512.03385; zero initialisation: Goyal et al. 2017,
    arXiv 1706.02677, section 5.1; selective kernels: Li et al. 2019, arXiv 1903.06586,
    as in SimCLR v2, arXiv 2006.10029, appendix C.
    """
    if depth not in _DEPTHS:
        raise ValueError(f"depth must be one of {sorted(_DEPTHS)}. Received: {depth}")
    if stem not in STEMS:
        raise ValueError(f"stem must be one of {STEMS}. Received: {stem!r}")
    if stem_pool not in STEM_POOLS:
        raise ValueError(
            f"stem_pool must be one of {STEM_POOLS}. Received: {stem_pool!r}"
        )
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {NORMS}. Received: {norm!r}")
    stages, bottleneck = _DEPTHS[depth]
    if selective_kernels and not bottleneck:
        raise ValueError(
            "selective_kernels needs bottleneck blocks: a depth of 50 or more. "
            f"Received: depth={depth}"
        )
    if channels != 3 and (mean, std) != (None, None):
        raise ValueError(
            "mean and std are of images with 3 channels; others are taken as they are. "
            f"Received: channels={channels}, mean={mean}, std={std}"
        )
    block = bottleneck_block if bottleneck else basic_block
    build = Builder(norm, synchronized, zero_init_residual, selective_kernels)

    if image_size is None or isinstance(image_size, int):
        image_size = (image_size, image_size)
    images = keras.Input((*image_size, channels), name="images")
    x = pixel_scaling(mean, std)(images) if channels == 3 else images
    if stem == "imagenet":
        if selective_kernels:
            x = build.conv_norm_relu(x, width // 2, 3, 2, "stem_1")
            x = build.conv_norm_relu(x, width // 2, 3, 1, "stem_2")
            x = build.conv_norm_relu(x, width, 3, 1, "stem")
        else:
            x = build.conv_norm_relu(x, width, 7, 2, "stem")
        if stem_pool == "symmetric":
            x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
        padding = "same" if stem_pool == "same" else "valid"
        x = keras.layers.MaxPooling2D(3, 2, padding, name="stem_pool")(x)
    else:
        x = build.conv_norm_relu(x, width, 3, 1, "stem")
    for stage, blocks in enumerate(stages):
        for number in range(blocks):
            stride = 2 if stage > 0 and number == 0 else 1
            prefix = f"stage{stage + 1}_block{number + 1}"
            x = block(build, x, width * 2**stage, stride, prefix)
    x = local_map(x)
    if pooling:
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    default_name = f"resnet{depth}" + ("" if width == 64 else f"w{width}")
    if selective_kernels:
        default_name = f"sk_{default_name}"
    return keras.Model(images, x, name=name or default_name)


def _fixes(*names):
    """Gives a network the signature of `resnet` without the arguments that it fixes."""

    def show(function):
        signature = inspect.signature(resnet)
        function.__signature__ = signature.replace(
            parameters=[p for p in signature.parameters.values() if p.name not in names]
        )
        return function

    return show


@_fixes("depth")
def resnet10(image_size=224, **kwargs):
    """ResNet-10: 4 basic blocks. The arguments are those of `resnet`."""
    return resnet(10, image_size, **kwargs)


@_fixes("depth")
def resnet18(image_size=224, **kwargs):
    """ResNet-18: 8 basic blocks. The arguments are those of `resnet`.

    Example:
        >>> import tfssl
        >>> encoder = tfssl.encoders.resnet18(image_size=32, stem="small", width=16)
        >>> encoder.output_shape
        (None, 128)
    """
    return resnet(18, image_size, **kwargs)


@_fixes("depth")
def resnet34(image_size=224, **kwargs):
    """ResNet-34: 16 basic blocks. The arguments are those of `resnet`."""
    return resnet(34, image_size, **kwargs)


@_fixes("depth")
def resnet50(image_size=224, **kwargs):
    """ResNet-50: 16 bottleneck blocks. The arguments are those of `resnet`."""
    return resnet(50, image_size, **kwargs)


@_fixes("depth")
def resnet101(image_size=224, **kwargs):
    """ResNet-101: 33 bottleneck blocks. The arguments are those of `resnet`."""
    return resnet(101, image_size, **kwargs)


@_fixes("depth")
def resnet152(image_size=224, **kwargs):
    """ResNet-152: 50 bottleneck blocks. The arguments are those of `resnet`."""
    return resnet(152, image_size, **kwargs)


@_fixes("depth", "selective_kernels")
def sk_resnet50(image_size=224, **kwargs):
    """ResNet-50 with selective kernels. The arguments are those of `resnet`."""
    return resnet(50, image_size, selective_kernels=True, **kwargs)


@_fixes("depth", "selective_kernels")
def sk_resnet101(image_size=224, **kwargs):
    """ResNet-101 with selective kernels. The arguments are those of `resnet`."""
    return resnet(101, image_size, selective_kernels=True, **kwargs)


@_fixes("depth", "selective_kernels")
def sk_resnet152(image_size=224, **kwargs):
    """ResNet-152 with selective kernels. The arguments are those of `resnet`."""
    return resnet(152, image_size, selective_kernels=True, **kwargs)

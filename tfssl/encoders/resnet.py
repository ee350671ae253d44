"""ResNet encoders (v1.5) for images of any size."""

import inspect

import keras

from tfssl.layers import NORMS, MixHalves, SqueezeHalves, normalize

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

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
            (3x3 convolution, no pooling; for images up to about 64 pixels).
        zero_init_residual: bool, whether each block starts as the identity.
        norm: "batch", "split", "layer" or "none", see `tfssl.layers.normalize`.
        synchronized: bool, whether replicas share batch statistics.
        selective_kernels: bool, whether the 3x3 convolutions choose between two of
            them for each channel, with the stem and the shortcuts that go with it
            (ResNet-D). From 50 layers on.
        pooling: bool, True for features `[batch, dim]`, False for the feature map
            `[batch, h, w, dim]`.
        channels: int, 3 for images. Another number is for views made of images, which
            are taken as they are.
        mean, std: sequences of 3 floats for pixel values in [0, 1], subtracted and
            divided by inside the encoder. By default pixels are scaled to [0, 1] and
            not standardised, as in SimCLR.
        name: string. Defaults to `resnet{depth}` with the width if it is not 64.

    Returns:
        A functional `keras.Model` from images `[batch, height, width, 3]` with pixel
        values in [0, 255] to features.

    Raises:
        ValueError: for an unknown depth, stem or norm, selective kernels in a net of
            basic blocks, or a mean of what is no image.

    Source: He et al. 2015, arXiv 1512.03385; zero initialisation: Goyal et al. 2017,
    arXiv 1706.02677, section 5.1; selective kernels: Li et al. 2019, arXiv 1903.06586,
    as in SimCLR v2, arXiv 2006.10029, appendix C.
    """
    if depth not in _DEPTHS:
        raise ValueError(f"depth must be one of {sorted(_DEPTHS)}. Received: {depth}")
    if stem not in ("imagenet", "small"):
        raise ValueError(f'stem must be "imagenet" or "small". Received: {stem!r}')
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
    block = _bottleneck_block if bottleneck else _basic_block
    build = _Builder(norm, synchronized, zero_init_residual, selective_kernels)

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
        x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
        x = keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    else:
        x = build.conv_norm_relu(x, width, 3, 1, "stem")
    for stage, blocks in enumerate(stages):
        for number in range(blocks):
            stride = 2 if stage > 0 and number == 0 else 1
            prefix = f"stage{stage + 1}_block{number + 1}"
            x = block(build, x, width * 2**stage, stride, prefix)
    if pooling:
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    default_name = f"resnet{depth}" + ("" if width == 64 else f"w{width}")
    if selective_kernels:
        default_name = f"sk_{default_name}"
    return keras.Model(images, x, name=name or default_name)


def _fixes(*names):
    """A network with the arguments of `resnet` but those that it fixes itself."""

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


def pixel_scaling(mean=None, std=None):
    """The first layer of an encoder: pixel values in [0, 255] to its own scale.

    Args:
        mean, std: sequences of 3 floats for pixel values in [0, 1], or None.

    Returns:
        A `keras.layers.Rescaling`; it computes in float32 under any precision policy.

    Raises:
        ValueError: if only one of the two is given.
    """
    if (mean is None) != (std is None):
        raise ValueError(f"mean and std go together. Received: mean={mean}, std={std}")
    if mean is None:
        scale, offset = 1 / 255, 0.0
    else:
        scale = [1 / (255 * s) for s in std]
        offset = [-m / s for m, s in zip(mean, std, strict=True)]
    return keras.layers.Rescaling(scale, offset, dtype="float32", name="pixel_scaling")


class _Builder:
    """Convolution and normalisation with the settings of one network."""

    def __init__(self, norm, synchronized, zero_init_residual, selective_kernels):
        self.kind = norm
        self.synchronized = synchronized
        self.zero_init_residual = zero_init_residual
        self.selective_kernels = selective_kernels

    def conv(self, x, filters, kernel, stride, name):
        if kernel > 1 and stride > 1:
            # "same" would pad at the bottom right only.
            x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        return keras.layers.Conv2D(
            filters,
            kernel,
            strides=stride,
            padding="valid" if stride > 1 else "same",
            use_bias=self.kind == "none",
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
            name=f"{name}_conv",
        )(x)

    def norm(self, x, name, ends_block=False):
        starts_at_zero = ends_block and self.zero_init_residual
        options = {"gamma_initializer": "zeros" if starts_at_zero else "ones"}
        if self.kind == "batch":
            options["synchronized"] = self.synchronized
        return normalize(x, self.kind, name=f"{name}_norm", **options)

    def conv_norm_relu(self, x, filters, kernel, stride, name):
        x = self.norm(self.conv(x, filters, kernel, stride, name), name)
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def shortcut(self, x, filters, stride, name):
        if stride == 1 and x.shape[-1] == filters:
            return x
        if self.selective_kernels and stride > 1:
            # ResNet-D: every position counts.
            x = keras.layers.AveragePooling2D(
                stride, padding="same", name=f"{name}_shortcut_pool"
            )(x)
            stride = 1
        x = self.conv(x, filters, 1, stride, f"{name}_shortcut")
        return self.norm(x, f"{name}_shortcut")

    def add(self, x, shortcut, name):
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
        return keras.layers.ReLU(name=f"{name}_out")(x)


def _basic_block(build, x, filters, stride, name):
    shortcut = build.shortcut(x, filters, stride, name)
    x = build.conv_norm_relu(x, filters, 3, stride, f"{name}_1")
    x = build.conv(x, filters, 3, 1, f"{name}_2")
    x = build.norm(x, f"{name}_2", ends_block=True)
    return build.add(x, shortcut, name)


def _bottleneck_block(build, x, filters, stride, name):
    shortcut = build.shortcut(x, 4 * filters, stride, name)
    x = build.conv_norm_relu(x, filters, 1, 1, f"{name}_1")
    if build.selective_kernels:
        x = _selective_kernel(build, x, filters, stride, f"{name}_2")
    else:
        x = build.conv_norm_relu(x, filters, 3, stride, f"{name}_2")
    x = build.conv(x, 4 * filters, 1, 1, f"{name}_3")
    x = build.norm(x, f"{name}_3", ends_block=True)
    return build.add(x, shortcut, name)


def _selective_kernel(build, x, filters, stride, name):
    """Two 3x3 convolutions, and for each channel a mixture that the image chooses."""
    both = build.conv_norm_relu(x, 2 * filters, 3, stride, name)
    # Layers, not operations: Keras goes through a network by recursion, and the deepest
    # would be too deep for Python.
    squeezed = SqueezeHalves(name=f"{name}_squeeze")(both)
    hidden = max(filters // 16, 32)
    squeezed = build.conv_norm_relu(squeezed, hidden, 1, 1, f"{name}_squeeze")
    scores = build.conv(squeezed, 2 * filters, 1, 1, f"{name}_scores")
    return MixHalves(name=f"{name}_mix")(both, scores)

"""What the weights of our residual networks are called in others."""

import collections
import re

import numpy as np

_TORCH = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Blocks of each stage, and whether they are bottlenecks: depth.
_DEPTHS = {
    (1, 1, 1, 1, False): 10,
    (2, 2, 2, 2, False): 18,
    (3, 4, 6, 3, False): 34,
    (3, 4, 6, 3, True): 50,
    (3, 4, 23, 3, True): 101,
    (3, 8, 36, 3, True): 152,
}
# Convolutions of networks of bottleneck blocks: depth.
_CONVOLUTIONS = {53: 50, 104: 101, 155: 152}
_PART = re.compile(r"stage(\d)_block(\d+)_(\d|shortcut)")


def torchvision_sources(paths):
    """Where each weight is in a state dict of torchvision's ResNet.

    Args:
        paths: paths of the weights of an encoder.

    Returns:
        Dict from paths to pairs: a name, and a function of the array of this name that
        returns the weight.
    """
    return {path: _torchvision(path) for path in paths}


def _torchvision(path):
    part, kind, weight = _split(path)
    conv = kind == "conv"
    if part == "stem":
        layer = "conv1" if conv else "bn1"
    else:
        stage, block, unit = _PART.fullmatch(part).groups()
        own = f"{'conv' if conv else 'bn'}{unit}"
        if unit == "shortcut":
            own = f"downsample.{0 if conv else 1}"
        layer = f"layer{stage}.{int(block) - 1}.{own}"
    return f"{layer}.{_TORCH[weight]}", _to_last if conv else np.asarray


def simclr_sources(paths):
    """As `torchvision_sources`, in a checkpoint of SimCLR.

    TensorFlow numbered the layers as they were made: in a block, the shortcut first.
    """
    parts = sorted({_split(path)[0] for path in paths}, key=_made)
    number = {part: f"_{i}" if i else "" for i, part in enumerate(parts)}

    def source(path):
        part, kind, weight = _split(path)
        layer = "conv2d" if kind == "conv" else "batch_normalization"
        return f"{layer}{number[part]}/{weight}", np.asarray

    return {path: source(path) for path in paths}


def _made(part):
    if part == "stem":
        return (0,)
    stage, block, unit = _PART.fullmatch(part).groups()
    return int(stage), int(block), 0 if unit == "shortcut" else int(unit)


def torchvision_arguments(shapes):
    """Arguments of `tfssl.encoders.resnet` that a state dict tells.

    Args:
        shapes: dict from names to shapes.

    Raises:
        KeyError: naming the weight that tells the width, if it is missing.
    """
    width, _, kernel, _ = shapes["conv1.weight"]
    blocks = collections.Counter()
    for name in shapes:
        if found := re.fullmatch(r"layer([1-4])\.\d+\.conv1\.weight", name):
            blocks[int(found[1])] += 1
    counts = [blocks[stage] for stage in range(1, 5)]
    bottleneck = "layer1.0.conv3.weight" in shapes

    def distance(stages):
        pairs = zip(stages, counts, strict=False)
        return stages[4] != bottleneck, sum(abs(a - b) for a, b in pairs)

    # The nearest, so that an error can name what is missing from it.
    return {
        "depth": _DEPTHS[min(_DEPTHS, key=distance)],
        "width": width,
        "stem": "small" if kernel == 3 else "imagenet",
    }


def simclr_arguments(shapes):
    """As `torchvision_arguments`, of a checkpoint of SimCLR."""
    *_, width = shapes["conv2d/kernel"]
    count = sum(name.startswith("conv2d") for name in shapes)
    nearest = min(_CONVOLUTIONS, key=lambda n: abs(n - count))
    return {"depth": _CONVOLUTIONS[nearest], "width": width, "stem": "imagenet"}


def _split(path):
    layer, weight = path.split("/")
    part, kind = layer.rsplit("_", 1)
    return part, kind, weight


def _to_last(kernel):
    """A kernel [outputs, inputs, height, width] with the channels last."""
    return np.transpose(kernel, (2, 3, 1, 0))

"""Weights of residual networks, the same here and in make_checkpoints.py."""

import zlib

import numpy as np


def shapes(stages, bottleneck, width, stem=7):
    """Names and shapes as torchvision has them, without a classifier."""

    def norm(name, channels):
        parts = ("weight", "bias", "running_mean", "running_var")
        return {f"{name}.{part}": (channels,) for part in parts}

    found = {"conv1.weight": (width, 3, stem, stem), **norm("bn1", width)}
    inputs = width
    for stage, blocks in enumerate(stages):
        inner = width * 2**stage
        outputs = 4 * inner if bottleneck else inner
        kernels = (1, 3, 1) if bottleneck else (3, 3)
        for block in range(blocks):
            name = f"layer{stage + 1}.{block}"
            source = inputs
            for number, kernel in enumerate(kernels, 1):
                target = outputs if number == len(kernels) else inner
                shape = (target, source, kernel, kernel)
                found[f"{name}.conv{number}.weight"] = shape
                found.update(norm(f"{name}.bn{number}", target))
                source = target
            if block == 0 and (stage or bottleneck):
                shape = (outputs, inputs, 1, 1)
                found[f"{name}.downsample.0.weight"] = shape
                found.update(norm(f"{name}.downsample.1", outputs))
            inputs = outputs
    return found


def weights(stages, bottleneck, width, stem=7):
    """A dict of float32 arrays: numbers that follow from each name."""
    named = shapes(stages, bottleneck, width, stem)
    return {name: weight(name, shape) for name, shape in named.items()}


def weight(name, shape):
    """Random numbers for a weight; statistics and scales are random, too."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) > 1:
        array = random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
    elif name.endswith(("running_var", "weight")):
        array = random.uniform(0.5, 1.5, shape)
        if name.endswith("weight"):
            # Sixteen blocks shall make neither large numbers nor the same for all.
            array *= 0.2 if "bn3" in name else 0.7 if "downsample" in name else 1.0
    else:
        array = random.normal(0, 0.2, shape)
    return array.astype("float32")


def simclr_names(stages):
    """TensorFlow's name of each convolution and norm, by torchvision's.

    As the authors' code calls its layers: in a block the projection comes first.
    """
    order = [("conv1", "bn1")]
    for stage, blocks in enumerate(stages, 1):
        for block in range(blocks):
            start = f"layer{stage}.{block}"
            if block == 0:
                order.append((f"{start}.downsample.0", f"{start}.downsample.1"))
            order += [(f"{start}.conv{i}", f"{start}.bn{i}") for i in (1, 2, 3)]
    parts = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    names = {}
    for number, (conv, norm) in enumerate(order):
        end = f"_{number}" if number else ""
        names[f"{conv}.weight"] = f"base_model/conv2d{end}/kernel"
        for ours, theirs in parts.items():
            names[f"{norm}.{ours}"] = f"base_model/batch_normalization{end}/{theirs}"
    return names


def images(size):
    """Two uint8 images with something everywhere."""
    random = np.random.default_rng(size)
    return random.integers(0, 256, (2, size, size, 3), "uint8")

"""What the weights of our vision transformers are called in timm's."""

import math
import re

import numpy as np

_BLOCK = {
    "norm_1": "norm1",
    "norm_2": "norm2",
    "linear_1": "mlp.fc1",
    "linear_2": "mlp.fc2",
    "attention/attention_output": "attn.proj",
}
_NAMES = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
_QKV = ("query", "key", "value")


def timm_sources(paths):
    """Where each weight is in a state dict of timm's vision transformer.

    Args:
        paths: paths of the weights of an encoder.

    Returns:
        Dict from paths to pairs: a name, and a function of the array of this name that
        returns the weight, whose axes may be grouped otherwise.
    """
    return {path: _timm(path) for path in paths}


def _timm(path):
    layer, _, weight = path.rpartition("/")
    if path == "positions/table":
        # The first row is the class token's.
        return "pos_embed", lambda x: x[0, 1:]
    if layer == "class_token":
        if weight == "position":
            return "pos_embed", lambda x: x[:, :1]
        return "cls_token", np.asarray
    if layer == "patch_embedding":
        axes = (2, 3, 1, 0) if weight == "kernel" else (0,)
        return f"patch_embed.proj.{_NAMES[weight]}", lambda x: x.transpose(axes)
    if layer == "norm":
        return f"norm.{_NAMES[weight]}", np.asarray
    number, inner = re.fullmatch(r"block_(\d+)/(.+)", layer).groups()
    block = f"blocks.{int(number) - 1}"
    kind = inner.removeprefix("attention/")
    if kind in _QKV:
        third = _QKV.index(kind)
        # Rows are outputs: of the queries, then the keys, then the values.
        return (
            f"{block}.attn.qkv.{_NAMES[weight]}",
            lambda x: np.split(x, 3)[third].T,
        )
    return f"{block}.{_BLOCK[inner]}.{_NAMES[weight]}", np.transpose


def timm_arguments(shapes):
    """Arguments of `tfssl.encoders.vit` that a state dict tells.

    Args:
        shapes: dict from names to shapes.

    Raises:
        KeyError: naming the weight that tells something, if it is missing.
        ValueError: for positions of images that are not square.
    """
    width = shapes["cls_token"][-1]
    patch = shapes["patch_embed.proj.weight"][-1]
    patches = shapes["pos_embed"][1] - 1
    side = math.isqrt(patches)
    if side * side != patches:
        raise ValueError(f"{patches} positions, which are those of no square image")
    found = map(re.compile(r"blocks\.(\d+)\.").match, shapes)
    # Their count, not the highest number: one name shall not ask for many.
    blocks = {match[1] for match in found if match}
    return {
        "image_size": side * patch,
        "patch_size": patch,
        "width": width,
        "depth": max(len(blocks), 1),
    }

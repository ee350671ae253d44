"""Weights of small vision transformers, the same here and in make_timm.py."""

import zlib

import numpy as np

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def shapes(width, depth, patch_size, patches):
    """Names and shapes of the weights, as timm has them."""
    found = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + patches, width),
        "patch_embed.proj.weight": (width, 3, patch_size, patch_size),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    for number in range(depth):
        for layer, shape in {
            "norm1": (width,),
            "attn.qkv": (3 * width, width),
            "attn.proj": (width, width),
            "norm2": (width,),
            "mlp.fc1": (4 * width, width),
            "mlp.fc2": (width, 4 * width),
        }.items():
            found[f"blocks.{number}.{layer}.weight"] = shape
            found[f"blocks.{number}.{layer}.bias"] = shape[:1]
    return found


def weights(width, depth, patch_size, patches):
    """A dict of float32 arrays: normal numbers that follow from each name."""
    made = {}
    for name, shape in shapes(width, depth, patch_size, patches).items():
        random = np.random.default_rng(zlib.crc32(name.encode()))
        array = random.normal(0.0, 0.06, shape)
        if "norm" in name and name.endswith("weight"):
            array += 1.0
        made[name] = array.astype("float32")
    return made


def images(size):
    """Two uint8 images with something on each patch."""
    random = np.random.default_rng(size)
    return random.integers(0, 256, (2, size, size, 3), "uint8")

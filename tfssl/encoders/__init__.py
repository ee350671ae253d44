"""Encoders: from plain images to features."""

from tfssl.encoders.context_cnn import alexnet, context_cnn
from tfssl.encoders.dim_cnn import cut, dim_cnn, output_of
from tfssl.encoders.patch_grid import patch_grid
from tfssl.encoders.precision import in_float32
from tfssl.encoders.resnet import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    pixel_scaling,
    resnet,
    resnet10,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    sk_resnet50,
    sk_resnet101,
    sk_resnet152,
)
from tfssl.encoders.split_pair import split_pair

# What --encoder chooses from.
ENCODERS = {
    "alexnet": alexnet,
    "context_cnn": context_cnn,
    "dim_cnn": dim_cnn,
    "resnet10": resnet10,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "resnet152": resnet152,
    "sk_resnet50": sk_resnet50,
    "sk_resnet101": sk_resnet101,
    "sk_resnet152": sk_resnet152,
}

__all__ = [
    "ENCODERS",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "alexnet",
    "context_cnn",
    "cut",
    "dim_cnn",
    "in_float32",
    "output_of",
    "patch_grid",
    "pixel_scaling",
    "resnet",
    "resnet10",
    "resnet101",
    "resnet152",
    "resnet18",
    "resnet34",
    "resnet50",
    "sk_resnet101",
    "sk_resnet152",
    "sk_resnet50",
    "split_pair",
]

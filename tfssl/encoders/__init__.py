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
)
from tfssl.encoders.split_pair import split_pair

__all__ = [
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
    "sk_resnet50",
    "split_pair",
]

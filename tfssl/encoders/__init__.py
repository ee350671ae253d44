"""Encoders: from plain images to features."""

from tfssl.encoders.context_cnn import alexnet, context_cnn
from tfssl.encoders.dim_cnn import cut, dim_cnn, output_of
from tfssl.encoders.named import ENCODERS, SMALL_IMAGE, encoder
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

__all__ = [
    "ENCODERS",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "SMALL_IMAGE",
    "alexnet",
    "context_cnn",
    "cut",
    "dim_cnn",
    "encoder",
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

"""Encoders: from plain images to features."""

from tfssl.encoders.precision import in_float32
from tfssl.encoders.resnet import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    pixel_scaling,
    resnet,
    resnet18,
    resnet34,
    resnet50,
)

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "in_float32",
    "pixel_scaling",
    "resnet",
    "resnet18",
    "resnet34",
    "resnet50",
]

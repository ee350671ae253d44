"""Encoders: from plain images to features."""

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
    "pixel_scaling",
    "resnet",
    "resnet18",
    "resnet34",
    "resnet50",
]

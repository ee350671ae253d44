"""Colour operators with given parameters, one for each image.

They take and return float images `[batch, height, width, 3]` in [0, 1]. Brightness,
contrast, saturation and hue are each one linear map of the colours of an image and of
its mean grey, which is what makes them fast; the result is clipped, see `color_maps`.
"""

import math

import numpy as np
from keras import ops

from tfssl.layers import LUMA

# Luma with the digits of torchvision.
_GREY = np.array([0.2989, 0.587, 0.114], "float32")
_IDENTITY = np.eye(3, dtype="float32")
# Grey of the pixel in each channel.
_TO_GREY = np.ones((3, 1), "float32") * _GREY
_TO_YIQ = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], "float32")
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def adjust_brightness(images, factor):
    """Multiplies by the factor; 1 changes nothing.

    Args:
        images: float tensor `[batch, height, width, 3]` in [0, 1].
        factor: float tensor `[batch]`.

    Returns:
        float32 tensor of the same shape.

    Example:
        >>> from keras import ops
        >>> from tfssl.views import color
        >>> images = ops.ones((2, 4, 4, 3)) * 0.5
        >>> float(color.adjust_brightness(images, ops.array([1.0, 0.5]))[1, 0, 0, 0])
        0.25
    """
    return color_maps(images, [(brightness_matrix(factor), None)])


def adjust_contrast(images, factor):
    """Blends with the mean grey of the image, as torchvision does; 1 changes nothing.

    Arguments and result as `adjust_brightness`.
    """
    return color_maps(images, [(brightness_matrix(factor), 1.0 - factor)])


def adjust_saturation(images, factor):
    """Blends each pixel with its grey; 1 changes nothing, 0 is grey.

    Arguments and result as `adjust_brightness`.
    """
    return color_maps(images, [(saturation_matrix(factor), None)])


def adjust_hue(images, turn):
    """Turns the chroma in the YIQ colour space.

    Args:
        images: float tensor `[batch, height, width, 3]` in [0, 1].
        turn: float tensor `[batch]`, in turns of the colour circle; 0 changes nothing.

    Returns:
        float32 tensor of the same shape.
    """
    return color_maps(images, [(hue_matrix(turn), None)])


def grayscale(images):
    """The luma in all three channels."""
    return ops.repeat(ops.sum(images * _GREY, axis=-1, keepdims=True), 3, axis=-1)


def solarize(images, threshold=0.5):
    """Inverts the pixels at or above the threshold."""
    return ops.where(images >= threshold, 1.0 - images, images)


def brightness_matrix(factor):
    """The matrix `[batch, 3, 3]` of a brightness factor `[batch]`."""
    return factor[:, None, None] * _IDENTITY


def saturation_matrix(factor):
    """The matrix `[batch, 3, 3]` of a saturation factor `[batch]`."""
    factor = factor[:, None, None]
    return factor * _IDENTITY + (1.0 - factor) * _TO_GREY


def hue_matrix(turn):
    """The matrix `[batch, 3, 3]` of a hue turn `[batch]`."""
    angle = 2.0 * math.pi * turn
    cos, sin, zero = ops.cos(angle), ops.sin(angle), ops.zeros_like(angle)
    rotation = ops.stack(
        [
            ops.stack([zero + 1.0, zero, zero], axis=-1),
            ops.stack([zero, cos, -sin], axis=-1),
            ops.stack([zero, sin, cos], axis=-1),
        ],
        axis=1,
    )
    return ops.matmul(_FROM_YIQ, ops.matmul(rotation, _TO_YIQ))


def color_maps(images, maps):
    """Maps the colours of each image, map after map, and clips after each.

    A map takes a pixel to `clip(matrix @ pixel + weight * mean_grey)`, where
    `mean_grey` is that of the image which the map is given.

    Args:
        images: float tensor `[batch, height, width, 3]`.
        maps: list of pairs of a float tensor `[batch, 3, 3]`, the matrix, and a float
            tensor `[batch]`, the weight, or None for none.

    Returns:
        float32 tensor of the same shape in [0, 1].
    """
    batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
    # Columns before rows, which is how compiled crops and blur leave them (`banded`).
    images = ops.transpose(ops.cast(images, "float32"), (0, 3, 2, 1))
    # As [3, 3] x [3, pixels], the products are three times faster than per pixel.
    planes = ops.reshape(images, (batch, 3, height * width))
    for matrix, weight in maps:
        mapped = ops.matmul(matrix, planes)
        if weight is not None:
            mean_grey = ops.sum(ops.mean(planes, axis=2) * _GREY, axis=1)
            mapped = mapped + (weight * mean_grey)[:, None, None]
        planes = ops.clip(mapped, 0.0, 1.0)
    images = ops.reshape(planes, (batch, 3, width, height))
    return ops.transpose(images, (0, 3, 2, 1))

"""Masks that hide a part of each image: 1 is hidden, 0 is seen."""

import numpy as np
from keras import ops

from tfssl.checks import check_count
from tfssl.views import geometry
from tfssl.views.base import between

_BLOCKS = 12
# What nine of ten masks of so many rectangles reach.
_LARGEST_AREA = 0.4
# Cells of the random regions, as a fraction of the image's side.
_CELL = 0.13


def center_mask(size, margin=0):
    """The middle half of a side, less a margin.

    Args:
        size: int, side of the images, a multiple of 4.
        margin: int, pixels by which the hole is smaller on each side. Defaults to 0.

    Returns:
        float32 array `[1, size, size, 1]`.

    Raises:
        ValueError: for a size that is no multiple of 4, or a margin that leaves no
            hole.

    Example:
        >>> from tfssl.views import masks
        >>> float(masks.center_mask(32).mean())
        0.25
    """
    check_count(size=size)
    check_count(0, margin=margin)
    if size % 4 or margin >= size // 4:
        raise ValueError(
            "size must be a multiple of 4, and the margin less than a quarter of it. "
            f"Received: size={size}, margin={margin}"
        )
    mask = np.zeros((1, size, size, 1), "float32")
    hole = slice(size // 4 + margin, size - size // 4 - margin)
    mask[:, hole, hole] = 1.0
    return mask


def block_masks(batch, size, stream, area=0.25):
    """Rectangles with sides of 0.1 to 0.4 of the image, until they hide enough.

    Args:
        batch: int or scalar tensor.
        size: int, side of the images.
        stream: `tfssl.views.RandomStream`.
        area: float in (0, 0.4], fraction that is hidden at least, or nearly. Defaults
            to 0.25.

    Returns:
        float32 tensor `[batch, size, size, 1]`.

    Raises:
        ValueError: for an area that so many rectangles seldom hide.

    Source: Pathak et al. 2016, arXiv 1604.07379, section 3.3.
    """
    if not 0 < area <= _LARGEST_AREA:
        raise ValueError(
            f"area must be within (0, {_LARGEST_AREA}], which {_BLOCKS} rectangles "
            f"can hide. Received: area={area}"
        )
    numbers = stream.uniform((batch, _BLOCKS, 4))
    sides = between(numbers[..., :2], 0.1, 0.4)
    starts = numbers[..., 2:] * (1.0 - sides)
    middles = (np.arange(size, dtype="float32") + 0.5) / size
    # Which rows and columns each rectangle covers: [batch, blocks, 2, size].
    covers = ops.cast(
        (middles >= starts[..., None]) & (middles < (starts + sides)[..., None]),
        "float32",
    )
    mask = ops.zeros_like(numbers[:, 0, :1, None] * np.zeros((size, size), "float32"))

    def add(block, mask):
        rows, columns = ops.split(ops.take(covers, block, axis=1), 2, axis=1)
        rectangle = ops.transpose(rows, (0, 2, 1)) * columns
        wanting = ops.mean(mask, axis=(1, 2), keepdims=True) < area
        return ops.where(wanting, ops.maximum(mask, rectangle), mask)

    # Not a loop of Python: unrolled, XLA takes minutes to compile it.
    return ops.fori_loop(0, _BLOCKS, add, mask)[..., None]


def region_masks(batch, size, stream, area=(0.2, 0.3)):
    """Regions of a random shape: where smooth noise is low.

    Args:
        batch: int or scalar tensor.
        size: int, side of the images.
        stream: `tfssl.views.RandomStream`.
        area: tuple of floats, smallest and largest fraction that is hidden; drawn for
            each image. Defaults to (0.2, 0.3).

    Returns:
        float32 tensor `[batch, size, size, 1]`.

    Raises:
        ValueError: for fractions outside (0, 1), or the larger one first.

    Source: Pathak et al. 2016, arXiv 1604.07379, section 3.3 and the authors' code,
    which draws until the fraction is right; here the threshold follows from it.
    """
    if not 0 < area[0] <= area[1] < 1:
        raise ValueError(
            "area must be the smallest and the largest fraction, within (0, 1). "
            f"Received: area={area}"
        )
    cells = int(np.ceil(1 / _CELL))
    grid = cells + 2
    numbers = stream.uniform((batch, grid * grid + 3))
    noise = ops.reshape(numbers[:, 3:], (-1, grid, grid, 1))
    starts = numbers[:, :2]
    boxes = ops.concatenate([starts, ops.full_like(starts, cells)], axis=1)
    smooth = geometry.crop_and_resize(noise, boxes, size, "bicubic")[..., 0]
    flat = ops.reshape(smooth, (-1, size * size))
    hidden = ops.round(between(numbers[:, 2:3], *area) * size * size)
    rank = ops.cast(ops.argsort(ops.argsort(flat, axis=1), axis=1), "float32")
    mask = ops.cast(rank < hidden, "float32")
    return ops.reshape(mask, (-1, size, size, 1))

"""Blocks of patches, to be predicted and to be predicted from."""

import numpy as np
from keras import ops

# How many sizes a range of scales is divided into.
_SIZES = 1024


def block_sizes(grid, scale, aspect):
    """The sizes of blocks that take a part of a grid.

    One number u from 0 to 1 says both how large a block is and how tall.

    Args:
        grid: pair of ints, rows and columns.
        scale: pair of floats, the smallest and largest part of the grid.
        aspect: pair of floats, height by width of the smallest and largest block.

    Returns:
        int32 NumPy array `[1024, 2]`, heights and widths for u from 0 to 1; each below
        that of the grid.

    Example:
        >>> from tfssl.views.block_masks import block_sizes
        >>> sizes = block_sizes((14, 14), (0.15, 0.2), (0.75, 1.5))
        >>> sizes[0].tolist(), sizes[-1].tolist()
        ([5, 6], [8, 5])

    Source: Assran et al. 2023, arXiv 2301.08243, section 3 and its code.
    """
    u = (np.arange(_SIZES) + 0.5) / _SIZES
    part, aspect = (low + u * (high - low) for low, high in (scale, aspect))
    area = np.floor(grid[0] * grid[1] * part)
    sides = np.stack([np.sqrt(area * aspect), np.sqrt(area / aspect)], axis=1)
    largest = np.maximum(np.array(grid) - 1, 1)
    return np.clip(np.round(sides), 1, largest).astype("int32")


def drawn_size(sizes, u):
    """Height and width of a drawn number.

    Args:
        sizes: of `block_sizes`.
        u: float32 scalar tensor in [0, 1).

    Returns:
        int32 tensor `[2]`.
    """
    return ops.take(sizes, ops.cast(u * len(sizes), "int32"), axis=0)


def blocks(grid, size, places):
    """Where blocks of one size are.

    Args:
        grid: pair of ints, rows and columns.
        size: int32 tensor `[2]`, height and width of the blocks.
        places: float32 tensor `[..., 2]` in [0, 1), from the first place in the grid,
            at the top left, to the last.

    Returns:
        bool tensor `[..., rows * columns]`, True within the block.

    Example:
        >>> import numpy as np
        >>> from tfssl.views.block_masks import blocks
        >>> block = blocks((2, 3), np.array([1, 2]), np.array([0.9, 0.0], "float32"))
        >>> keras.ops.convert_to_numpy(block).astype(int).tolist()
        [0, 0, 0, 1, 1, 0]
    """
    within = []
    for axis, side in enumerate(grid):
        length = size[axis]
        room = ops.cast(side - length + 1, "float32")
        first = ops.cast(ops.floor(places[..., axis] * room), "int32")[..., None]
        at = ops.arange(side, dtype="int32")
        within.append(ops.logical_and(at >= first, at < first + length))
    rows, columns = within
    both = ops.logical_and(rows[..., :, None], columns[..., None, :])
    return ops.reshape(both, (*ops.shape(both)[:-2], grid[0] * grid[1]))

"""Blocks of patches, to be predicted and to be predicted from."""

import numpy as np
from keras import ops

from tfssl.checks import check_count, check_fraction, check_positive

# How many sizes a range of scales is divided into.
_SIZES = 1024
# How often blocks are drawn for enough context.
_TRIES = 8


class BlockMasks:
    """Draws blocks to predict, and the patches around them to predict them from.

    The blocks of a step have one size, and each image has them in places of its own.

    Args:
        grid: pair of ints, rows and columns of patches.
        num_targets: int, blocks to predict.
        target_scale, target_aspect: pairs of floats, the part of the grid that each
            takes, and its height by its width.
        context_scale: pair of floats, the part that the context takes before the
            targets are taken out.
        context_tokens: int, patches of the context at the most, a random part of it
            where it is larger.
        min_context: int; blocks are drawn anew, up to 8 times, where a smaller context
            is left.

    Attributes:
        largest_target: int, patches of the largest block.

    Raises:
        ValueError: for blocks as large as the context, or a number out of range.

    Example:
        >>> import numpy as np
        >>> from tfssl.views.block_masks import BlockMasks
        >>> draw = BlockMasks((4, 4), 2, (0.2, 0.3), (1.0, 1.0), (0.9, 1.0), 6, 3)
        >>> random = np.random.default_rng(0)
        >>> uniform = lambda shape, *_, **__: random.random(shape, "float32")
        >>> context, attended, targets, count = draw(batch=5, uniform=uniform)
        >>> tuple(context.shape), tuple(targets.shape), int(count)
        ((5, 6), (5, 2, 4), 4)

    Source: Assran et al. 2023, arXiv 2301.08243, section 3 and its code.
    """

    def __init__(
        self,
        grid,
        num_targets,
        target_scale,
        target_aspect,
        context_scale,
        context_tokens,
        min_context,
    ):
        check_count(
            num_targets=num_targets,
            context_tokens=context_tokens,
            min_context=min_context,
        )
        for value in target_scale:
            check_fraction(target_scale=value)
        for value in context_scale:
            check_fraction(context_scale=value)
        for value in target_aspect:
            check_positive(target_aspect=value)
        self.grid = grid
        self.num_targets = num_targets
        self.context_tokens = context_tokens
        self.min_context = min_context
        self.target_sizes = block_sizes(grid, target_scale, target_aspect)
        self.context_sizes = block_sizes(grid, context_scale, (1.0, 1.0))
        self.largest_target = int(self.target_sizes.prod(axis=1).max())
        smallest = int(self.context_sizes.prod(axis=1).min())
        if smallest <= self.largest_target:
            raise ValueError(
                f"A block of up to {self.largest_target} patches may leave nothing of "
                f"a context of {smallest}, on a grid of {grid[0]} x {grid[1]}. Choose "
                "smaller patches or targets. Received: "
                f"target_scale={target_scale}, context_scale={context_scale}"
            )

    def __call__(self, batch, uniform):
        """The masks of a step.

        Args:
            batch: int, number of images.
            uniform: function of a shape, a name and `shared`, numbers in [0, 1), as
                `Method.uniform`.

        Returns:
            Tuple of an int tensor `[batch, context_tokens]`, patches of the context; a
            bool tensor of the same shape, which of them are no filling; an int tensor
            `[batch, num_targets, largest_target]`, patches of the blocks, and an int,
            how many of them are no filling: the first ones.
        """
        u = uniform((2,), "sizes", shared=True)
        size = drawn_size(self.target_sizes, u[0])
        context_size = drawn_size(self.context_sizes, u[1])
        places = uniform((batch, _TRIES, self.num_targets + 1, 2), "places")
        targets = blocks(self.grid, size, places[:, :, 1:])
        context = blocks(self.grid, context_size, places[:, :, 0])
        context = ops.logical_and(context, ops.logical_not(ops.any(targets, axis=2)))
        # The first try that leaves enough, or the one that leaves most.
        left = ops.sum(ops.cast(context, "int32"), axis=-1)
        chosen = ops.argmax(ops.minimum(left, self.min_context), axis=1)[:, None, None]
        context = ops.take_along_axis(context, chosen, axis=1)[:, 0]
        targets = ops.take_along_axis(targets, chosen[..., None], axis=1)[:, 0]

        count = self.grid[0] * self.grid[1]
        order = uniform((batch, count), "order")
        order = ops.argsort(ops.where(context, order, order + 1.0), axis=1)
        order = order[:, : self.context_tokens]
        left = ops.sum(ops.cast(context, "int32"), axis=1, keepdims=True)
        attended = ops.arange(order.shape[1], dtype="int32") < left

        number = ops.arange(count, dtype="int32")
        targets = ops.argsort(ops.where(targets, number, number + count), axis=2)
        return order, attended, targets[:, :, : self.largest_target], size[0] * size[1]


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

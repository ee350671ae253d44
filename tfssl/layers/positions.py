"""Where a patch is in its image: tables of positions, for grids of any size."""

import keras
import numpy as np
from keras import ops

POSITIONS = ("learned", "sincos")


def sincos_positions(rows, columns, width):
    """The fixed table of sines and cosines.

    One half of the channels codes the column and the other the row, each as
    `[sin(p w), cos(p w)]` with the frequencies `w_i = 10000^(-i / (width / 4))`.

    Args:
        rows, columns: ints, of the grid.
        width: int, channels; a multiple of 4.

    Returns:
        float32 NumPy array `[rows * columns, width]`, row by row.

    Raises:
        ValueError: for another width.

    Example:
        >>> import tfssl
        >>> tfssl.layers.sincos_positions(1, 1, 8).tolist()
        [[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]]

    Source: Vaswani et al. 2017, arXiv 1706.03762, section 3.5, for each axis as in the
    code of He et al. 2021, arXiv 2111.06377.
    """
    if width % 4:
        raise ValueError(
            "Sines and cosines of two axes need a width that is a multiple of 4. "
            f"Received: width={width}"
        )
    frequencies = 10000.0 ** -(np.arange(width // 4) / (width / 4))
    row, column = np.mgrid[:rows, :columns].reshape(2, -1, 1) * frequencies
    axes = (column, row)
    waves = [wave(angles) for angles in axes for wave in (np.sin, np.cos)]
    return np.concatenate(waves, axis=1).astype("float32")


def resize_grid(old, new):
    """How a table of positions is resized, bicubically and without antialiasing.

    As `torch.nn.functional.interpolate` does it with `mode="bicubic"` and
    `align_corners=False`.

    Args:
        old, new: pairs of ints, rows and columns of the grids.

    Returns:
        float32 NumPy array `[new rows * columns, old rows * columns]`, to be multiplied
        with the table.

    Example:
        >>> from tfssl.layers.positions import resize_grid
        >>> resize_grid((14, 14), (6, 6)).shape
        (36, 196)
    """
    rows, columns = (_bicubic(b, a) for a, b in zip(old, new, strict=True))
    return np.kron(rows, columns).astype("float32")


def _bicubic(size, full):
    """Weights `[size, full]` of the old places in each new one."""
    at = (np.arange(size) + 0.5) * full / size - 0.5
    first = np.floor(at).astype(int)
    weights = np.zeros((size, full))
    for near in range(-1, 3):
        distance = np.abs(at - (first + near))
        inner = (1.25 * distance - 2.25) * distance**2 + 1
        outer = -0.75 * (((distance - 5) * distance + 8) * distance - 4)
        # Beyond the edge is what is at the edge.
        place = np.clip(first + near, 0, full - 1)
        weights[np.arange(size), place] += np.where(distance <= 1, inner, outer)
    return weights


@keras.saving.register_keras_serializable("tfssl")
class Positions(keras.layers.Layer):
    """Adds to each vector of a map where it is, and makes tokens of the map.

    A map of another size than the table's gets an interpolated table.

    Args:
        grid: pair of ints, rows and columns of the table.
        kind: "learned", or "sincos" for the fixed `sincos_positions`. Defaults to
            "learned".
        name: string.

    Call arguments:
        x: `[batch, rows, columns, width]`, of known rows and columns.

    Returns:
        Tokens `[batch, rows * columns, width]`, row by row.

    Raises:
        ValueError: for another kind, or sines and cosines of a width that is no
            multiple of 4.

    Example:
        >>> import keras, tfssl
        >>> positions = tfssl.layers.Positions((4, 4), "sincos")
        >>> tuple(positions(keras.ops.ones((2, 4, 4, 8))).shape)
        (2, 16, 8)
        >>> tuple(positions(keras.ops.ones((2, 6, 3, 8))).shape)
        (2, 18, 8)

    Source: Dosovitskiy et al. 2020, arXiv 2010.11929, section 3.2.
    """

    def __init__(self, grid, kind="learned", name="positions", **kwargs):
        if kind not in POSITIONS:
            raise ValueError(
                f"positions must be one of {POSITIONS}. Received: {kind!r}"
            )
        super().__init__(name=name, **kwargs)
        self.grid = tuple(grid)
        self.kind = kind

    def build(self, input_shape):
        width = input_shape[-1]
        rows, columns = self.grid
        learned = self.kind == "learned"
        self.table = self.add_weight(
            shape=(rows * columns, width),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02)
            if learned
            else keras.initializers.Constant(sincos_positions(rows, columns, width)),
            trainable=learned,
            # A table of another size is interpolated in float32.
            autocast=False,
            name="table",
        )

    def call(self, x):
        rows, columns, width = x.shape[1:]
        table = ops.convert_to_tensor(self.table)
        if (rows, columns) != self.grid:
            table = ops.matmul(resize_grid(self.grid, (rows, columns)), table)
        x = ops.reshape(x, (-1, rows * columns, width))
        return x + ops.cast(table, x.dtype)

    def compute_output_shape(self, input_shape):
        batch, rows, columns, width = input_shape
        return (batch, rows * columns, width)

    def get_config(self):
        return {**super().get_config(), "grid": self.grid, "kind": self.kind}

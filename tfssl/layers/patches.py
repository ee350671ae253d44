"""A grid of overlapping patches."""

import keras
import numpy as np
from keras import ops

from tfssl.checks import check_count


@keras.saving.register_keras_serializable("tfssl")
class Patches(keras.layers.Layer):
    """Cuts images into a grid of square patches, row by row.

    Args:
        size: int, height and width of a patch in pixels.
        stride: int, pixels from one patch to the next.
        name: string.

    Call arguments:
        images: `[batch, height, width, channels]` of a known height and width.

    Returns:
        `[batch * rows * columns, size, size, channels]`: the patches of the first image
        from left to right and top to bottom, then those of the next.

    Raises:
        ValueError: if the patches do not fill the images to the last pixel, or have no
            size or stride.

    Example:
        >>> import numpy as np, tfssl
        >>> patches = tfssl.layers.Patches(size=8, stride=4)
        >>> patches(np.zeros((2, 32, 32, 3), "float32")).shape[0]  # 2 * 7 * 7
        98
    """

    def __init__(self, size, stride, name="patches", **kwargs):
        check_count(size=size, stride=stride)
        super().__init__(name=name, **kwargs)
        self.size = size
        self.stride = stride

    def grid(self, height, width):
        """Rows and columns of the grid of an image."""
        for side in (height, width):
            if side < self.size or (side - self.size) % self.stride:
                raise ValueError(
                    f"Patches of {self.size} pixels every {self.stride} must fill the "
                    f"image. Received: images of {height} x {width}. The "
                    f"{self._fitting(side)}."
                )
        return tuple((side - self.size) // self.stride + 1 for side in (height, width))

    def call(self, images):
        rows, columns = self.grid(*images.shape[1:3])
        x = ops.take(images, self._places(rows), axis=1)
        x = ops.take(x, self._places(columns), axis=2)
        channels = images.shape[3]
        x = ops.reshape(x, (-1, rows, self.size, columns, self.size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, self.size, self.size, channels))

    def _places(self, count):
        starts = np.arange(count, dtype="int32")[:, None] * self.stride
        return (starts + np.arange(self.size, dtype="int32")).reshape(-1)

    def _fitting(self, side):
        if side < self.size:
            return f"smallest side that works is {self.size}"
        smaller = side - (side - self.size) % self.stride
        return f"next smaller side that works is {smaller}"

    def compute_output_shape(self, input_shape):
        self.grid(*input_shape[1:3])
        return (None, self.size, self.size, input_shape[3])

    def get_config(self):
        return {**super().get_config(), "size": self.size, "stride": self.stride}


def patchify(images, size):
    """The pixels of each patch of a grid without overlap, row by row.

    Args:
        images: `[batch, height, width, channels]`; the patches fill it.
        size: int, height and width of a patch.

    Returns:
        Tensor `[batch, rows * columns, size * size * channels]`.

    Example:
        >>> import numpy as np, tfssl
        >>> images = np.arange(2 * 8 * 12 * 3).reshape(2, 8, 12, 3)
        >>> patches = tfssl.layers.patchify(images, 4)
        >>> tuple(patches.shape)
        (2, 6, 48)
        >>> back = tfssl.layers.unpatchify(patches, (2, 3))
        >>> bool(keras.ops.all(back == images))
        True
    """
    height, width, channels = images.shape[1:]
    rows, columns = height // size, width // size
    x = ops.reshape(images, (-1, rows, size, columns, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows * columns, size * size * channels))


def unpatchify(patches, grid, channels=3):
    """The images of `patchify`.

    Args:
        patches: `[batch, rows * columns, size * size * channels]`.
        grid: pair of ints, rows and columns.
        channels: int. Defaults to 3.

    Returns:
        Tensor `[batch, height, width, channels]`.
    """
    rows, columns = grid
    size = round((patches.shape[-1] / channels) ** 0.5)
    x = ops.reshape(patches, (-1, rows, columns, size, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows * size, columns * size, channels))


def patch_statistics(patches):
    """Mean and standard deviation of the numbers of each patch.

    Args:
        patches: `[batch, patches, numbers]`, of `patchify`.

    Returns:
        Pair of tensors `[batch, patches, 1]`; the variance is the unbiased one, with
        1e-6 added.

    Example:
        >>> import numpy as np, tfssl
        >>> patches = np.array([[[1.0, 2.0, 3.0]]], "float32")
        >>> mean, std = tfssl.layers.patch_statistics(patches)
        >>> float(mean[0, 0, 0]), round(float(std[0, 0, 0]), 4)
        (2.0, 1.0)

    Source: He et al. 2021, arXiv 2111.06377, section 3, and its code.
    """
    mean = ops.mean(patches, axis=-1, keepdims=True)
    count = patches.shape[-1]
    variance = ops.sum(ops.square(patches - mean), axis=-1, keepdims=True) / (count - 1)
    return mean, ops.sqrt(variance + 1e-6)

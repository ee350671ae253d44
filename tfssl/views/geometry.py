"""Geometric operators with given parameters, one set of them for each image."""

import math

from keras import ops

from tfssl.views import banded

# Radius of the interpolation kernels, in pixels of the coarser grid.
_SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}


def crop_and_resize(images, boxes, size, interpolation="bilinear"):
    """Cuts a box out of each image and resizes it, as two batched matrix products.

    Equal to cutting first and resizing then, with antialiasing: no pixel outside the
    box is seen.

    Args:
        images: float tensor `[batch, height, width, channels]`.
        boxes: float tensor `[batch, 4]`: top, left, height, width in whole pixels.
        size: int or tuple `(height, width)` of the result.
        interpolation: "bilinear" or "bicubic" (a = -0.5, as in Pillow).

    Returns:
        float32 tensor `[batch, *size, channels]`; bicubic values can leave the range.

    Raises:
        ValueError: for an unknown interpolation.

    Example:
        >>> from keras import ops
        >>> from tfssl.views import geometry
        >>> boxes = ops.array([[2.0, 2.0, 4.0, 4.0]])
        >>> geometry.crop_and_resize(ops.ones((1, 8, 8, 3)), boxes, 2).shape[1]
        2
    """
    check_interpolation(interpolation)
    height, width = (size, size) if isinstance(size, int) else size
    top, left, box_height, box_width = ops.unstack(ops.cast(boxes, "float32"), axis=1)
    axes = (
        (top, box_height, height, images.shape[1]),
        (left, box_width, width, images.shape[2]),
    )
    taps = [_taps(full, size, interpolation) for *_, size, full in axes]
    if banded.pays(boxes) and max(taps) <= banded.MOST_TAPS:
        rows, columns = (
            _resize_taps(*axis, most, interpolation)
            for axis, most in zip(axes, taps, strict=True)
        )
        return banded.resize(images, rows, columns)
    rows, columns = (_resize_matrix(*axis, interpolation) for axis in axes)
    return separable(images, rows, columns)


def check_interpolation(interpolation):
    """Refuses an interpolation that `crop_and_resize` does not have."""
    if interpolation not in _SUPPORT:
        raise ValueError(
            f"interpolation must be one of {sorted(_SUPPORT)}. Received: "
            f"{interpolation!r}"
        )


def separable(images, rows, columns):
    """A linear map of rows and one of columns, for each image.

    Args:
        images: float tensor `[batch, height, width, channels]`.
        rows: float32 tensor `[batch, new_height, height]`.
        columns: float32 tensor `[batch, new_width, width]`.

    Returns:
        float32 tensor `[batch, new_height, new_width, channels]`.
    """
    # Channels before columns in between: the fastest order of the four.
    images = ops.einsum("bih,bhwc->bicw", rows, ops.cast(images, "float32"))
    return ops.einsum("bicw,bjw->bijc", images, columns)


def _resize_matrix(start, length, size, full, interpolation):
    """Weights `[batch, size, full]` of the source pixels in each target pixel."""
    target = ops.arange(size, dtype="float32")[None, :, None]
    pixel = ops.arange(full, dtype="float32")[None, None, :]
    start, length = start[:, None, None], length[:, None, None]
    weights = _weights(start, length, size, target, pixel, interpolation)
    return weights / ops.sum(weights, axis=2, keepdims=True)


def _resize_taps(start, length, size, full, taps, interpolation):
    """The same without the zeros: first pixels and weights, for `banded.resize`."""
    start, length = start[:, None], length[:, None]
    target = ops.arange(size, dtype="float32")[None, :]
    reach = _SUPPORT[interpolation] * ops.maximum(length / size, 1.0)
    first = ops.ceil(start + (target + 0.5) * (length / size) - reach - 0.5)
    first = ops.clip(first, 0.0, float(full - taps))
    pixel = first[:, None, :] + ops.arange(taps, dtype="float32")[None, :, None]
    weights = _weights(
        start[:, None], length[:, None], size, target[:, None], pixel, interpolation
    )
    weights = weights / ops.sum(weights, axis=1, keepdims=True)
    return ops.cast(first, "int32"), weights


def _taps(full, size, interpolation):
    """The most source pixels that a target pixel depends on."""
    # The kernel widens where the box shrinks.
    widest = max(full / size, 1.0)
    return min(math.ceil(2 * _SUPPORT[interpolation] * widest), full)


def _weights(start, length, size, target, pixel, interpolation):
    """The kernel of target pixels at source pixels, 0 outside of the box."""
    scale = length / size
    offset = pixel + 0.5 - ((target + 0.5) * scale + start)
    distance = ops.abs(offset / ops.maximum(scale, 1.0))
    if interpolation == "bilinear":
        weights = ops.maximum(1.0 - distance, 0.0)
    else:
        near = (1.5 * distance - 2.5) * distance * distance + 1.0
        far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
        weights = ops.where(distance < 1.0, near, ops.where(distance < 2.0, far, 0.0))
    inside = ops.logical_and(pixel >= start, pixel < start + length)
    return ops.where(inside, weights, 0.0)


def flip(images, mask):
    """Mirrors the images left to right where the mask says so.

    Args:
        images: tensor `[batch, height, width, channels]`.
        mask: bool tensor `[batch]`.

    Returns:
        Tensor of the same shape.
    """
    return ops.where(mask[:, None, None, None], ops.flip(images, axis=2), images)


def affine(images, matrices, fill=0.0):
    """Warps each image by its own affine map, with bilinear interpolation.

    Args:
        images: float tensor `[batch, height, width, channels]`.
        matrices: float tensor `[batch, 2, 3]`. A target pixel at `(x, y)`, measured
            from the image's centre in pixels, shows the source at
            `matrix @ (x, y, 1)`.
        fill: float, the value outside of the image. Defaults to 0.

    Returns:
        float32 tensor of the same shape.
    """
    images = ops.cast(images, "float32")
    batch = ops.shape(images)[0]
    height, width, channels = images.shape[1:]
    x, y = ops.meshgrid(
        ops.arange(width, dtype="float32") - (width - 1) / 2,
        ops.arange(height, dtype="float32") - (height - 1) / 2,
    )
    grid = ops.stack(
        [ops.ravel(x), ops.ravel(y), ops.ones((height * width,), "float32")]
    )
    source = ops.matmul(ops.cast(matrices, "float32"), grid)  # [batch, 2, pixels]
    # One pixel of fill around the image: every reading outside ends on it.
    images = ops.pad(
        images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=float(fill)
    )
    flat = ops.reshape(images, (batch, (height + 2) * (width + 2), channels))
    column = source[:, 0] + (width - 1) / 2 + 1.0
    row = source[:, 1] + (height - 1) / 2 + 1.0
    column = ops.clip(column, 0.0, width + 1.0)
    row = ops.clip(row, 0.0, height + 1.0)
    left = ops.minimum(ops.floor(column), float(width))
    top = ops.minimum(ops.floor(row), float(height))
    right_weight, bottom_weight = column - left, row - top

    def read(row, column):
        index = ops.cast(row * (width + 2) + column, "int32")
        return ops.take_along_axis(flat, index[:, :, None], axis=1)

    def mix(a, b, weight):
        return a + weight[:, :, None] * (b - a)

    upper = mix(read(top, left), read(top, left + 1), right_weight)
    lower = mix(read(top + 1, left), read(top + 1, left + 1), right_weight)
    warped = mix(upper, lower, bottom_weight)
    return ops.reshape(warped, (batch, height, width, channels))


def affine_matrices(angle, shear, shift_x, shift_y):
    """Matrices for `affine`: shear along x, turn about the centre, then shift.

    Args:
        angle, shear: float tensors `[batch]`, in radians; a positive angle turns the
            picture counter-clockwise, a positive shear moves its lower part right.
        shift_x, shift_y: float tensors `[batch]`, in pixels to the right and down.

    Returns:
        float32 tensor `[batch, 2, 3]` that maps target to source coordinates.
    """
    cos, sin, slope = ops.cos(angle), ops.sin(angle), ops.tan(shear)
    # Inverse of shift * rotation * shear, written out.
    a, b = cos - slope * sin, -sin - slope * cos
    c, d = sin, cos
    x = -(a * shift_x + b * shift_y)
    y = -(c * shift_x + d * shift_y)
    return ops.stack(
        [ops.stack([a, b, x], axis=-1), ops.stack([c, d, y], axis=-1)], axis=1
    )

"""Gaussian blur with its own width for each image."""

from keras import ops

from tfssl.views import banded, geometry
from tfssl.views.base import where

# Far below a pixel the neighbours' weights are 0 already.
_LEAST_SIGMA = 1e-2


def gaussian_blur(images, sigma, kernel_size=None, mask=None):
    """Blurs each image by its own Gaussian, as two batched matrix products.

    Borders are reflected, so that a constant image stays constant. (SimCLR's code pads
    with zeros, which darkens the borders.)

    Args:
        images: float tensor `[batch, height, width, channels]`.
        sigma: float tensor `[batch]`, in pixels; 0 changes nothing.
        kernel_size: odd int, taps of the kernel. Defaults to a tenth of the height, as
            in SimCLR: 23 taps at 224 pixels, 9 at 96.
        mask: bool tensor `[batch]`, which images to blur. Defaults to all.

    Returns:
        float32 tensor of the same shape.

    Raises:
        ValueError: if the kernel is even or reaches further than the image.

    Example:
        >>> from keras import ops
        >>> from tfssl.views import gaussian_blur
        >>> gaussian_blur(ops.ones((2, 32, 32, 3)), ops.array([0.5, 2.0])).shape[1]
        32

    Source: Chen et al. 2020, arXiv 2002.05709, appendix A.
    """
    height, width = images.shape[1:3]
    if kernel_size is None:
        kernel_size = default_kernel_size(height)
    if kernel_size % 2 == 0 or kernel_size // 2 >= min(height, width):
        raise ValueError(
            "kernel_size must be odd and at most twice the image's side. Received: "
            f"kernel_size={kernel_size} for images of {height}x{width}"
        )
    if banded.pays(images) and kernel_size <= banded.MOST_BLUR_TAPS:
        some = ops.ones(ops.shape(images)[:1], "bool") if mask is None else mask
        return banded.blur(images, _kernel(sigma, kernel_size // 2), some)
    rows = _blur_matrix(sigma, height, kernel_size // 2)
    columns = _blur_matrix(sigma, width, kernel_size // 2)
    blurred = geometry.separable(images, rows, columns)
    return blurred if mask is None else where(mask, blurred, images)


def default_kernel_size(height):
    """Taps for images of this height: `2 * (height // 10 // 2) + 1`, at least 3."""
    return max(2 * (height // 10 // 2) + 1, 3)


def _kernel(sigma, radius):
    """Weights `[batch, radius + 1]` of a pixel and of its neighbours to one side."""
    sigma = ops.maximum(ops.cast(sigma, "float32"), _LEAST_SIGMA)[:, None]
    distance = ops.arange(radius + 1, dtype="float32")
    weights = ops.exp(-0.5 * ops.square(distance / sigma))
    both = 2.0 * ops.sum(weights, axis=1, keepdims=True) - weights[:, :1]
    return weights / both


def _blur_matrix(sigma, size, radius):
    """Weights `[batch, size, size]`; reflected taps add to the pixel they fall on."""
    sigma = ops.maximum(ops.cast(sigma, "float32"), _LEAST_SIGMA)[:, None, None]
    pixel = ops.arange(size, dtype="float32")
    target, source = pixel[None, :, None], pixel[None, None, :]

    def tap(offset):
        weight = ops.exp(-0.5 * ops.square(offset / sigma))
        return ops.where(ops.abs(offset) <= radius, weight, 0.0)

    # The pixel itself, and its images in the two borders (which they do not repeat).
    inner = tap(target - source)
    before = ops.where(source > 0, tap(target + source), 0.0)
    last = float(size - 1)
    after = ops.where(source < last, tap(2.0 * last - source - target), 0.0)
    weights = inner + before + after
    return weights / ops.sum(weights, axis=2, keepdims=True)

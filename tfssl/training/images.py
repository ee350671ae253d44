"""Plain images: what every public function takes."""

import numpy as np

# Enough to see the range without reading a memory-mapped array whole.
_SAMPLE = 1024


def check_images(images):
    """The images, if they are `[n, height, width, 3]` with pixel values in [0, 255].

    Args:
        images: array or tensor of a batch, or of all images.

    Returns:
        NumPy array, not copied if it was one.

    Raises:
        ValueError: naming what was received and the remedy.
    """
    images = images if isinstance(images, np.ndarray) else np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) == 0:
        raise ValueError(
            "Images must be [batch, height, width, 3]. Received: shape "
            f"{images.shape}. Grey images are repeated with np.repeat(images, 3, -1)."
        )
    if images.dtype == np.uint8:
        return images
    sample = images[:_SAMPLE]
    low, high = float(sample.min()), float(sample.max())
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 255):
        raise ValueError(
            "Pixel values must be in [0, 255]. Received: values from "
            f"{low:.4g} to {high:.4g}. Undo any standardisation; encoders carry their "
            "own."
        )
    # An all-black sample is a legal, if useless, batch.
    if 0 < high <= 1:
        raise ValueError(
            "Pixel values must be in [0, 255]. Received: floats that never exceed 1. "
            "Multiply the images by 255."
        )
    return images

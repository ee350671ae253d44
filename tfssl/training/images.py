"""Plain images: what every public function takes, and where they are in data."""

import keras
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


def images_of(data):
    """The images of one element of the data, or its first views.

    Args:
        data: images, `(images, labels)`, or a dict with "images" or "views".

    Raises:
        ValueError: for a dict with neither.
    """
    data = data[0] if isinstance(data, (tuple, list)) else data
    if not isinstance(data, dict):
        return data
    if "views" not in data and "images" not in data:
        raise ValueError(
            'A dict of data must hold "images", or ready-made "views". Received '
            f"the keys {sorted(data)}"
        )
    return data["views"][0] if "views" in data else data["images"]


def first_batch(x):
    """The first element of a `keras.utils.PyDataset` or a `tf.data.Dataset`.

    Raises:
        ValueError: for anything else, and for an empty data set.
    """
    if isinstance(x, keras.utils.PyDataset):
        return x[0]
    # By its name: beside JAX, TensorFlow need not be installed.
    if not (type(x).__module__.startswith("tensorflow.") and hasattr(x, "take")):
        raise ValueError(
            "fit takes an array of images, a tf.data.Dataset or a "
            f"keras.utils.PyDataset. Received: {type(x)}"
        )
    first = next(iter(x.take(1)), None)
    if first is None:
        raise ValueError("The data set is empty.")
    return first

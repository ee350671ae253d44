"""Plain images: what every public function takes, and where they are in data."""

import keras
import numpy as np
from keras import ops

from tfssl.training.datasets import is_tf_data
from tfssl.training.streamed_images import StreamedImages

# Enough to see the range without reading a memory-mapped array whole.
_SAMPLE = 1024


def check_images(images):
    """The images, if they are `[n, height, width, 3]` with pixel values in [0, 255].

    Args:
        images: array or tensor of a batch, or of all images.

    Returns:
        NumPy array, not copied if it was one; `StreamedImages` as they are.

    Raises:
        ValueError: naming what was received and the remedy.
    """
    if isinstance(images, StreamedImages):
        return images
    images = images if isinstance(images, np.ndarray) else np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) == 0:
        raise ValueError(
            "Images must be [batch, height, width, 3]. Received: shape "
            f"{images.shape}. Grey images are repeated with np.repeat(images, 3, -1); "
            "a data set of single images is batched with dataset.batch(256)."
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


def fit_images(images, size):
    """Brings images to a size: the short side is resized, and the centre is kept.

    Args:
        images: array or tensor `[batch, height, width, 3]`, pixel values in [0, 255],
            of a known height and width.
        size: tuple `(height, width)` in pixels, of an encoder's input for example; a
            None in it asks for nothing.

    Returns:
        The images themselves if they have this size, else a float32 tensor
        `[batch, *size, 3]`; resized bilinearly, with antialiasing.

    Example:
        >>> import numpy as np
        >>> from tfssl.training import fit_images
        >>> tuple(fit_images(np.zeros((2, 40, 64, 3), "uint8"), (32, 32)).shape)
        (2, 32, 32, 3)
    """
    height, width = images.shape[1:3]
    if None in size or height is None or (height, width) == tuple(size):
        return images
    # The centre is cut first: the same picture for less work.
    scale = min(height / size[0], width / size[1])
    rows = min(max(round(scale * size[0]), 1), height)
    columns = min(max(round(scale * size[1]), 1), width)
    top, left = (height - rows) // 2, (width - columns) // 2
    cut = images[:, top : top + rows, left : left + columns]
    cut = ops.cast(ops.convert_to_tensor(cut), "float32")
    if (rows, columns) == tuple(size):
        return cut
    return ops.image.resize(
        cut, size, interpolation="bilinear", antialias=True, data_format="channels_last"
    )


def input_size(model):
    """Height and width of the images that a model takes; None in it for any.

    Args:
        model: built `keras.Model` of images.

    Returns:
        Tuple `(height, width)`.
    """
    return tuple(model.input_shape[1:3])


def unpack(data):
    """One element of the data as a dict.

    Args:
        data: images, `(images, labels)`, or a dict with "images" or "views".

    Returns:
        Dict with "images" or "views", and what else there is of "index" and "labels".

    Raises:
        ValueError: for a dict with neither images nor views, or images where labels
            belong.
    """
    found = {}
    # Keras adds sample weights, which are None.
    if isinstance(data, (tuple, list)):
        data, *rest = data
        if rest and rest[0] is not None:
            found["labels"] = rest[0]
            if len(getattr(rest[0], "shape", ())) > 2:
                raise ValueError(
                    "Pairs are images and their labels. Ready-made views are a dict: "
                    '{"views": (view_1, view_2)}. Received: a second part of shape '
                    f"{tuple(rest[0].shape)}"
                )
    found.update(data if isinstance(data, dict) else {"images": data})
    if "views" not in found and "images" not in found:
        raise ValueError(
            'A dict of data must hold "images", or ready-made "views". Received '
            f"the keys {sorted(found)}"
        )
    return found


def check_index(data, name):
    """Refuses data without the position of each image in the data set.

    Args:
        data: as `unpack`.
        name: string, of the method that needs it.

    Raises:
        ValueError: if there is none.
    """
    data = unpack(data)
    if "index" not in data:
        raise ValueError(
            f"{name} needs each image's position in the data set. Feed "
            '{"images": images, "index": integers}, an array of images, or Batches '
            f"and streams with_index=True. Received: {', '.join(data)}"
        )


def images_of(data):
    """The images of one element of the data, or its first views: as `unpack`."""
    data = unpack(data)
    return data["views"][0] if "views" in data else data["images"]


def first_batch(x):
    """The first element of a `keras.utils.PyDataset` or a `tf.data.Dataset`.

    Raises:
        ValueError: for anything else, an empty data set, and images of several sizes
            that cannot be put into one batch.
    """
    if isinstance(x, keras.utils.PyDataset):
        return x[0]
    if not is_tf_data(x):
        remedy = ""
        if isinstance(x, (list, tuple)):
            remedy = " np.stack makes an array of images of one size."
        raise ValueError(
            "fit takes an array of images, a tf.data.Dataset or a "
            f"keras.utils.PyDataset.{remedy} Received: {type(x)}"
        )
    import tensorflow as tf

    try:
        first = next(iter(x.take(1)), None)
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            "The first batch of the data set cannot be read. If its images differ in "
            "size, bring them to one before batch(): dataset.map(lambda image: "
            "tf.image.resize(image, (256, 256), antialias=True)). Received: "
            f"{error.message.splitlines()[0]}"
        ) from error
    if first is None:
        raise ValueError("The data set is empty. Received: no batch")
    return first

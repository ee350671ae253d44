"""A check of the labels that a protocol is given."""

import numpy as np

# A classifier of more is larger than the largest networks.
_MOST_CLASSES = 1_000_000


def check_labels(labels, count, name):
    """The labels as an array, if each image has one.

    Args:
        labels: what was given as integer array `[count]` of classes from 0.
        count: int, number of images.
        name: string, what the error calls the labels.

    Returns:
        Integer NumPy array `[count]`.

    Raises:
        ValueError: for anything else.
    """
    array = np.asarray(labels)
    if labels is None or array.shape != (count,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be {count} integers, one for each image. Received: "
            + ("None" if labels is None else f"shape {array.shape} of {array.dtype}")
        )
    if array.size and array.min() < 0:
        raise ValueError(
            f"{name} must be classes from 0; leave out images without a label. "
            f"Received: {array.min()}"
        )
    if array.size and array.max() >= _MOST_CLASSES:
        raise ValueError(
            f"{name} must be classes from 0, fewer than {_MOST_CLASSES:,}; "
            "np.unique(labels, return_inverse=True)[1] numbers them anew. Received: "
            f"{array.max()}"
        )
    return array

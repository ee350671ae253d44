"""Which images the report shows."""

import numpy as np


def sample(labels, count, most, seed=0):
    """A random sample of all classes, equally many of each while they last.

    The classes take turns, so that the first images are of different ones.

    Args:
        labels: integer array `[count]`, or None for images without labels.
        count: int, images to choose from.
        most: int, images to choose at most.
        seed: int. Defaults to 0.

    Returns:
        Integer array of at most `most` positions.

    Example:
        >>> import numpy as np
        >>> from tfssl.runs.report.sample import sample
        >>> labels = np.repeat([0, 1, 2], [90, 5, 5])
        >>> sorted(labels[sample(labels, 100, most=6)].tolist())
        [0, 0, 1, 1, 2, 2]
    """
    order = np.random.default_rng(seed).permutation(count)
    if labels is not None:
        shuffled = np.asarray(labels)[order]
        # The turn of each image: how many of its class come before it.
        turn = np.empty(count, int)
        for label in np.unique(shuffled):
            rows = np.flatnonzero(shuffled == label)
            turn[rows] = np.arange(len(rows))
        order = order[np.argsort(turn, kind="stable")]
    return order[:most]

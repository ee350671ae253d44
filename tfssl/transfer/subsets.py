"""Small labelled subsets of an image set."""

import numpy as np

from tfssl.checks import check_count


def few_label_draws(
    labels, labels_per_class=None, label_fraction=None, draws=1, seed=0
):
    """The indices of several subsets; draw i is that of the seed `seed + i`.

    Args:
        labels, labels_per_class, label_fraction, seed: of `few_label_indices`.
        draws: int, at least 1. Defaults to 1.

    Returns:
        List of sorted integer arrays.

    Raises:
        ValueError: as `few_label_indices`, and for a number of draws below 1.
    """
    check_count(draws=draws)
    return [
        few_label_indices(labels, labels_per_class, label_fraction, seed + draw)
        for draw in range(draws)
    ]


def few_label_indices(labels, labels_per_class=None, label_fraction=None, seed=0):
    """Indices of a random subset: equally many of each class, or a fraction of each.

    Args:
        labels: integer array `[n]`, -1 for images without one, which are not chosen.
        labels_per_class: int, images of each class; or
        label_fraction: float in (0, 1], fraction of each class, at least one image.
        seed: int. Defaults to 0.

    Returns:
        Sorted integer array.

    Raises:
        ValueError: unless exactly one of the two is given and every class has enough.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import few_label_indices
        >>> labels = np.repeat([0, 1], 10)
        >>> labels[few_label_indices(labels, labels_per_class=2)].tolist()
        [0, 0, 1, 1]
    """
    if (labels_per_class is None) == (label_fraction is None):
        raise ValueError(
            "Give one of labels_per_class and label_fraction. Received: "
            f"labels_per_class={labels_per_class}, label_fraction={label_fraction}"
        )
    if labels_per_class is not None and labels_per_class < 1:
        raise ValueError(
            f"labels_per_class must be at least 1. Received: {labels_per_class}"
        )
    if label_fraction is not None and not 0 < label_fraction <= 1:
        raise ValueError(
            f"label_fraction must be in (0, 1]. Received: {label_fraction}"
        )
    labels = np.asarray(labels)
    random = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels[labels >= 0]):
        rows = np.flatnonzero(labels == label)
        count = labels_per_class or max(1, round(label_fraction * len(rows)))
        if count > len(rows):
            raise ValueError(
                f"Class {label} has {len(rows)} images, fewer than labels_per_class="
                f"{labels_per_class}."
            )
        chosen.append(random.choice(rows, count, replace=False))
    if not chosen:
        raise ValueError(f"None of the {len(labels)} images has a label.")
    return np.sort(np.concatenate(chosen))

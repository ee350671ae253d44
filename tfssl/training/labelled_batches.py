"""Batches of all images, each with some of the few that have a label beside it."""

import numpy as np

from tfssl.training.batches import Batches


class LabelledBatches(Batches):
    """Batches `{"images": ..., "labelled": ..., "labels": ...}` from arrays in memory.

    The few labelled images come round again and again, in an order that depends on the
    seed and on the number of the batch only.

    Args:
        images: array `[N, height, width, channels]`: all of them.
        labels: integer array `[N]`, -1 for images without a label; some have one.
        labelled: int, labelled images beside each batch.
        **kwargs: as `Batches`.

    Example:
        >>> import numpy as np
        >>> from tfssl.training import LabelledBatches
        >>> images, labels = np.zeros((8, 4, 4, 3), "uint8"), np.array([3] + 7 * [-1])
        >>> batches = LabelledBatches(images, labels, labelled=2, batch_size=4)
        >>> batches[0]["images"].shape, batches[0]["labels"].tolist()
        ((4, 4, 4, 3), [3, 3])
    """

    def __init__(self, images, labels, *, labelled, **kwargs):
        super().__init__(images, **kwargs)
        labels = np.asarray(labels)
        self.labelled = labelled
        self._known = np.flatnonzero(labels >= 0)
        self._classes = labels.astype("int32")

    def _batch(self, order, index):
        batch = super()._batch(order, index)
        if not isinstance(batch, dict):
            batch = {"images": batch}
        rows = self._labelled_rows(self.epoch * len(self) + index)
        return {
            **batch,
            "labelled": np.asarray(self.images[rows]),
            "labels": self._classes[rows],
        }

    def _labelled_rows(self, number):
        """Those of a batch. All come once before one comes again."""
        turns, places = divmod(
            number * self.labelled + np.arange(self.labelled), len(self._known)
        )
        orders = {
            turn: np.random.default_rng([self.seed, int(turn)]).permutation(self._known)
            for turn in np.unique(turns)
        }
        return np.array(
            [orders[t][p] for t, p in zip(turns, places, strict=True)], "int64"
        )


def some_labels(labels, count, num_classes):
    """Labels of some images as an array.

    Args:
        labels: what was given as integer array `[count]`, -1 for images without one.
        count: int, number of images.
        num_classes: int, above all labels.

    Returns:
        Integer array `[count]`.

    Raises:
        ValueError: for labels of another shape or type, none at all, or one out of
            range.

    Example:
        >>> from tfssl.training.labelled_batches import some_labels
        >>> some_labels([-1, 3], count=2, num_classes=10)
        array([-1,  3])
    """
    labels = np.asarray(-1 if labels is None else labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            "It learns from labels too: model.fit(images, labels) with an integer for "
            f"each of the {count} images, -1 for those without. Received: labels "
            f"{labels.dtype}, shape {labels.shape}"
        )
    known = labels[labels != -1]
    if not len(known) or known.min() < 0 or known.max() >= num_classes:
        found = np.unique(known)[:10].tolist()
        raise ValueError(
            f"Some images must have a label, from 0 to {num_classes - 1}; give "
            f"num_classes if there are more. Received: {found or 'only -1'}"
        )
    return labels

"""The form in which every source hands over its images."""

import dataclasses

import numpy as np

from tfssl.data.storage import take


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ImageData:
    """One split of an image set, decoded or to be decoded.

    Args:
        images: uint8 `[N, H, W, 3]`, values in [0, 255]; an array in memory or, for
            large sets, a `np.memmap` or `tfssl.training.StreamedImages`.
        labels: int64 `[N]`, -1 for images without one where others have one; or None
            where none has one.
        class_names: tuple of str, `class_names[label]` names a class; None when
            unknown.
        name: where the images came from, such as `"tfds:cifar10"`.
        split: `"train"`, `"test"`, ...
        skipped: tuple of str, the corrupt files that were left out.
        paths: tuple of str `[N]`, the files that the images came from; None for sets
            that have no files.
        left_out: dict, ending of files that are no images, or none that can be read,
            such as `".txt"` -> how many there are. For what has no ending: `"hidden"`,
            `"without an ending"`, `"not a file"` (a pipe, a link to nothing); and
            `"without a label"`, images that a table does not name.

    Raises:
        ValueError: when the arrays do not have these shapes and types, or when the
            numbers of images, labels and paths differ.

    Example:
        >>> import numpy as np
        >>> from tfssl.data import ImageData
        >>> ImageData(np.zeros((5, 8, 8, 3), "uint8"), name="mine", split="train")
        ImageData(mine, train: 5 images of 8x8, no labels)
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple | None = None
    name: str = ""
    split: str = "train"
    skipped: tuple = ()
    paths: tuple | None = None
    left_out: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        shape, dtype = np.shape(self.images), getattr(self.images, "dtype", None)
        if len(shape) != 4 or shape[-1] != 3 or dtype != np.uint8:
            raise ValueError(
                "Images must be uint8 of shape [N, height, width, 3]. "
                f"Received: shape {shape}, dtype {dtype}."
            )
        if self.paths is not None:
            if len(self.paths) != shape[0]:
                raise ValueError(
                    f"{self.name or 'The data'} has {shape[0]} images, so paths must "
                    f"be as many. Received: {len(self.paths)}."
                )
            # The dataclass is frozen for its users, not for its own construction.
            object.__setattr__(self, "paths", tuple(self.paths))
        if self.labels is None:
            return
        labels = np.asarray(self.labels)
        if labels.shape != shape[:1]:
            raise ValueError(
                f"{self.name or 'The data'} has {shape[0]} images, so labels must have "
                f"shape ({shape[0]},). Received: shape {labels.shape}."
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                "Labels must be integers, the index of each image's class. "
                f"Received: dtype {labels.dtype}."
            )
        if labels.size and labels.min() < -1:
            raise ValueError(
                "Labels must be classes from 0, or -1 for images without one. "
                f"Received: {labels.min()}."
            )
        known = np.any(labels >= 0) or not labels.size
        object.__setattr__(self, "labels", labels.astype(np.int64) if known else None)

    def require_labels(self):
        """Refuses images without labels.

        Raises:
            ValueError: if there are no labels.
        """
        if self.labels is None:
            raise ValueError(
                f"{self.name}, split {self.split}, has no labels. folder:DIR has them "
                "with one subfolder per class or with labels=FILE.csv, npz:FILE with "
                "y_train and y_test."
            )

    def labelled(self):
        """The images that have a label.

        Returns:
            `ImageData`; itself if all have one.

        Raises:
            ValueError: if there are no labels.

        Example:
            >>> import numpy as np
            >>> from tfssl.data import ImageData
            >>> data = ImageData(np.zeros((3, 8, 8, 3), "uint8"), [1, -1, 0])
            >>> data.labelled().labels
            array([1, 0])
        """
        self.require_labels()
        rows = np.flatnonzero(self.labels >= 0)
        if len(rows) == len(self):
            return self
        paths = self.paths and tuple(self.paths[row] for row in rows)
        return dataclasses.replace(
            self, images=take(self.images, rows), labels=self.labels[rows], paths=paths
        )

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        count, height, width, _ = self.images.shape
        labels = "no labels"
        if self.labels is not None:
            known = self.labels[self.labels >= 0]
            labels = f"{len(np.unique(known))} classes"
            if len(known) < count:
                labels += f", {count - len(known)} without a label"
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return (
            f"ImageData({self.name}, {self.split}: {count} images of "
            f"{height}x{width}, {labels}{skipped})"
        )

"""Images that are read when they are asked for, and held by nobody."""

import numpy as np

from tfssl.checks import check_count


class StreamedImages:
    """What looks like an array of images, each of which is read when it is asked for.

    `images[3]`, `images[10:20]` and `images[[4, 2, 7]]` read these images and give them
    as arrays; `shape`, `dtype`, `ndim` and `len` read nothing. So all that takes images
    in batches takes these: `fit`, `evaluate`, `tfssl.training.Batches`,
    `tfssl.transfer.features`, `tfssl.transfer.KNNCallback`. What asks for all of them
    at once, such as `np.asarray`, is refused.

    Subclasses define `read`.

    Args:
        shape: tuple `(count, height, width, 3)`.

    Example:
        >>> import numpy as np
        >>> from tfssl.training import StreamedImages
        >>> class Grey(StreamedImages):
        ...     def read(self, rows):
        ...         images = np.empty((len(rows), *self.shape[1:]), "uint8")
        ...         images[:] = np.reshape(rows, (-1, 1, 1, 1))
        ...         return images
        >>> images = Grey((200, 4, 4, 3))
        >>> images[[7, 5]][:, 0, 0, 0].tolist()
        [7, 5]
        >>> images.subset([10, 20, 30])[1:].shape
        (2, 4, 4, 3)
    """

    dtype = np.dtype("uint8")
    ndim = 4

    def __init__(self, shape):
        count, height, width, _ = shape
        check_count(count=count, height=height, width=width)
        self.shape = (count, height, width, 3)

    def read(self, rows):
        """Reads some images.

        Args:
            rows: int array of positions from 0, in any order.

        Returns:
            uint8 array `[len(rows), height, width, 3]`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define read")

    def identity(self):
        """What tells these images apart from others without reading them.

        Returns:
            String, or None: they are to be read.
        """
        return None

    def subset(self, rows):
        """Some of the images, which are read when they are asked for, too.

        Args:
            rows: int array of positions.

        Returns:
            `StreamedImages`.
        """
        return _Subset(self, rows)

    @property
    def nbytes(self):
        """Bytes that all of them would take as an array."""
        return int(np.prod(self.shape, dtype="int64"))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, slice):
            return self.read(np.arange(*rows.indices(len(self))))
        positions = np.asarray(rows)
        if positions.dtype == bool:
            if positions.shape != (len(self),):
                raise IndexError(
                    f"A mask of {len(self)} images was expected. Received: shape "
                    f"{positions.shape}"
                )
            return self.read(np.flatnonzero(positions))
        if positions.ndim > 1 or (positions.size and positions.dtype.kind not in "iu"):
            raise IndexError(
                "Images are chosen by a position, a slice, or a row of positions. "
                f"Received: {rows!r}"
            )
        positions = positions.astype("int64")
        if ((positions < -len(self)) | (positions >= len(self))).any():
            raise IndexError(
                f"Positions must be below {len(self)}. Received: {positions.max()}"
            )
        found = self.read(np.atleast_1d(positions) % len(self))
        return found if positions.ndim else found[0]

    def __array__(self, dtype=None, copy=None):
        raise ValueError(
            f"These {len(self):,} images are streamed; together they would take "
            f"{self.nbytes / 2**30:.1f} GiB. Take some of them, images[rows], or load "
            "them without stream. Received: a call that needs all at once"
        )

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape})"


class _Subset(StreamedImages):
    def __init__(self, images, rows):
        self.images = images
        self.rows = np.arange(len(images))[rows]
        super().__init__((len(self.rows), *images.shape[1:]))

    def read(self, rows):
        return self.images.read(self.rows[rows])

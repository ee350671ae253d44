"""Image files that are decoded when their turn comes."""

import functools
import os
import threading
from multiprocessing.pool import ThreadPool

import numpy as np
from absl import logging

from tfssl.data import pixels
from tfssl.data.corrupt import CorruptImagesError, check_corrupt
from tfssl.training import StreamedImages

# Files that a thread takes at a time.
_CHUNK = 4


@functools.cache
def decoding_threads():
    """The threads that decode, one per core: Pillow works outside Python's lock."""
    return ThreadPool()


class ImageFiles(StreamedImages):
    """The images of files, as squares of one size, decoded each time they are read.

    In the place of a file that is corrupt stands the next one, of its class if there
    are classes, that is not. Which one depends on the files alone, so that a run that
    goes on sees the same images.

    Args:
        folder: string, what the files are relative to.
        files: sequence of strings.
        size: int, side in pixels, see `tfssl.data.load_image`.
        labels: int array, the class of each file, or None. Defaults to None.
        max_corrupt: float, fraction of the files that may be corrupt. Each is named in
            the log when it is first met; one more, and reading fails. Defaults to 0.01.
        name: string, what messages call the files. Defaults to the folder.

    Raises:
        CorruptImagesError: while reading, when more files are corrupt.

    Example:
        >>> from PIL import Image
        >>> from tfssl.data.image_files import ImageFiles
        >>> for name in ("a.png", "b.png"):
        ...     Image.new("RGB", (40, 30), "red").save(name)
        >>> images = ImageFiles(".", ["a.png", "b.png"], size=8)
        >>> images.shape, images[1:].shape
        ((2, 8, 8, 3), (1, 8, 8, 3))
    """

    def __init__(self, folder, files, size, labels=None, max_corrupt=0.01, name=None):
        super().__init__((len(files), size, size, 3))
        self.folder = folder
        self.files = files
        self.labels = labels
        self.max_corrupt = max_corrupt
        self.name = name or folder
        # File -> reason, of those met so far.
        self.corrupt = {}
        self._lock = threading.Lock()

    def read(self, rows):
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)

        def read_one(place):
            images[place] = self._image(int(rows[place]))

        decoding_threads().map(read_one, range(len(rows)), _CHUNK)
        return images

    def identity(self):
        facts = []
        for file in self.files:
            state = os.stat(os.path.join(self.folder, file))
            facts.append((file, state.st_size, state.st_mtime_ns))
        # Labels say what stands in the place of a corrupt file.
        labels = None if self.labels is None else self.labels.tolist()
        return repr((self.shape, facts, labels))

    def _image(self, row):
        image = self._decoded(row)
        if image is not None:
            return image
        for other in self._after(row):
            image = self._decoded(other)
            if image is not None:
                return image
        raise CorruptImagesError(
            f"{self.files[row]} of {self.name} is corrupt, and so are all others that "
            "could stand in its place. Repair or remove them.",
            dict(self.corrupt),
        )

    def _decoded(self, row):
        """The image of a file; None if it is corrupt."""
        file = self.files[row]
        if file in self.corrupt:
            return None
        try:
            return pixels.decode(os.path.join(self.folder, file), self.shape[1])
        except ValueError as error:
            self._note(file, str(error))
            return None

    def _after(self, row):
        """The rows of its class that come after a row, and then those before it."""
        alike = np.arange(len(self))
        if self.labels is not None:
            alike = np.flatnonzero(self.labels == self.labels[row])
        place = np.searchsorted(alike, row)
        return map(int, np.concatenate([alike[place + 1 :], alike[:place]]))

    def _note(self, file, reason):
        with self._lock:
            if file in self.corrupt:
                return
            self.corrupt[file] = reason
            check_corrupt(self.name, self.corrupt, len(self), self.max_corrupt)
        logging.warning(
            "%s of %s is corrupt; another image takes its place: %s",
            file,
            self.name,
            reason,
        )

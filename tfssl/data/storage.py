"""The one array that a source decodes its images into, if there is one."""

import math
import shutil
import tempfile

import numpy as np

from tfssl.training import StreamedImages

# Above this many bytes the pixels live in a file that the system pages in and out.
MEMORY_LIMIT = 2 * 2**30
# Above this many bytes nothing is kept: images are decoded whenever they are needed.
STREAM_ABOVE = 16 * 2**30
# Images that are read at a time to be held.
_ROWS = 1000


def is_streamed(shape, stream):
    """Whether images are decoded when they are needed, and not all at first.

    Args:
        shape: tuple of int, of all images.
        stream: bool, or `"auto"`: when they take more than `STREAM_ABOVE` bytes.
    """
    return math.prod(shape) > STREAM_ABOVE if stream == "auto" else stream


def allocate(shape, cache_dir=None):
    """An uninitialised uint8 array, in memory or (above `MEMORY_LIMIT`) in a file.

    The file has no name: its space is given back when the array is no longer used or
    the process ends, however it ends.

    Args:
        shape: tuple of int.
        cache_dir: the folder of the file. Defaults to the system's temporary folder.

    Returns:
        A `np.ndarray` or a `np.memmap`.

    Raises:
        OSError: when the disk has no room; writing to a mapped file that cannot grow
            would end the process without a message.
    """
    size = math.prod(shape)
    if size <= MEMORY_LIMIT:
        return np.empty(shape, np.uint8)
    folder = tempfile.gettempdir() if cache_dir is None else cache_dir
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(
            f"The decoded images take {size / 2**30:.1f} GiB and {folder} has "
            f"{free / 2**30:.1f} GiB free. Choose another cache_dir or a smaller "
            "image_size."
        )
    with tempfile.TemporaryFile(dir=folder, prefix="tfssl_") as file:
        return np.memmap(file, np.uint8, mode="w+", shape=tuple(shape))


def take(images, rows, cache_dir=None):
    """Some rows of an array, in an array of their own that `allocate` makes.

    Args:
        images: uint8 array, or `StreamedImages`, which are not read.
        rows: int array.
        cache_dir: see `allocate`.
    """
    if isinstance(images, StreamedImages):
        return images.subset(rows)
    taken = allocate((len(rows), *images.shape[1:]), cache_dir)
    # "clip", as the default mode makes another copy first; the rows exist.
    return np.take(images, rows, axis=0, out=taken, mode="clip")


def hold(images, cache_dir=None):
    """Streamed images as an array that `allocate` makes.

    Args:
        images: `StreamedImages`.
        cache_dir: see `allocate`.
    """
    held = allocate(images.shape, cache_dir)
    for start in range(0, len(held), _ROWS):
        held[start : start + _ROWS] = images[start : start + _ROWS]
    return held

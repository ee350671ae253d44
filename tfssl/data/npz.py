"""`npz:FILE`: arrays saved with `np.savez`."""

import os
import zipfile

import numpy as np

from tfssl.data.image_data import ImageData
from tfssl.data.pixels import rgb_batch
from tfssl.data.splits import UNDIVIDED
from tfssl.data.storage import allocate

CHUNK = 1000


def load_npz(path, split="train", image_size=None, cache_dir=None, division=UNDIVIDED):
    """Images and labels from `x_train[, y_train, x_test, y_test]` in an npz file.

    Args:
        path: the file. `x_<split>` are images, `[N, H, W]` or `[N, H, W, 1 | 3 | 4]`,
            uint8 or other numbers in [0, 255] (rounded); `y_<split>` are integer
            labels, `[N]` or `[N, 1]`.
        split: `"train"` or `"test"`.
        image_size: side in pixels of the squares to make. None keeps the size.
        cache_dir: see `tfssl.data.load`.
        division: `Division`, makes a test split of `x_train`.
    """
    name = f"npz:{path}"
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{name}: there is no file {os.path.abspath(path)}.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{name} is not an npz file, as np.savez writes it.")
    names, _ = _read(path, name)
    if "x_train" not in names:
        raise ValueError(
            f"{name} has no array x_train. It has: {', '.join(names) or 'nothing'}. "
            "Write it with np.savez(file, x_train=images, y_train=labels, x_test=...)."
        )
    known = [key[2:] for key in names if key.startswith("x_")]
    stored = division.stored(split, known, name)
    _, arrays = _read(path, name, (f"x_{stored}", f"y_{stored}"))
    x, y = arrays[f"x_{stored}"], arrays.get(f"y_{stored}")
    _check_pixels(x, name)
    height, width = x.shape[1:3] if image_size is None else (image_size, image_size)
    images = allocate((len(x), height, width, 3), cache_dir)
    for start in range(0, len(x), CHUNK):
        chunk = x[start : start + CHUNK]
        if chunk.dtype != np.uint8:
            chunk = np.rint(chunk).astype(np.uint8)
        images[start : start + CHUNK] = rgb_batch(chunk, image_size)
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    data = ImageData(images, y, name=name, split=split)
    return division.take(data, split, cache_dir)


def _read(path, name, wanted=()):
    """The names of all arrays in the file, and a dict of those that are wanted."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            return names, {key: _array(archive, key) for key in names if key in wanted}
    except Exception as error:  # of zip, zlib, the header's parser: many types
        raise ValueError(
            f"{name} cannot be read ({error}). Save arrays of numbers, not of objects."
        ) from error


def _array(archive, key):
    found = archive[key]
    if not isinstance(found, np.ndarray):
        # What does not begin as an array is given as bytes.
        raise ValueError(f"{key} is no array")
    return found


def _check_pixels(x, name):
    channels = x.shape[3] if x.ndim == 4 else 1
    if x.ndim not in (3, 4) or channels not in (1, 3, 4) or x.size == 0:
        raise ValueError(
            f"{name}: images must have shape [N, H, W] or [N, H, W, 1, 3 or 4], with "
            f"at least one image. Received: shape {x.shape}."
        )
    if x.dtype == np.uint8:
        return
    if not (np.issubdtype(x.dtype, np.floating) or np.issubdtype(x.dtype, np.integer)):
        raise ValueError(f"{name}: images must be numbers. Received: dtype {x.dtype}.")
    low, high = x.min(), x.max()
    # Written so that NaN is refused, too.
    if not (low >= 0 and high <= 255):
        raise ValueError(
            f"{name}: pixel values must be in [0, 255]. Received: [{low}, {high}]."
        )
    if high <= 1:
        raise ValueError(
            f"{name}: pixel values must be in [0, 255]. Received values in "
            f"[{low}, {high}]: multiply them by 255."
        )

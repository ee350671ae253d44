"""`npz:FILE`: arrays saved with `np.savez`."""

import os
import zipfile

import numpy as np

from tfssl.data.image_data import ImageData
from tfssl.data.pixels import rgb_batch
from tfssl.data.splits import check_split
from tfssl.data.storage import allocate

CHUNK = 1000


def load_npz(path, split="train", image_size=None, cache_dir=None):
    """Images and labels from `x_train[, y_train, x_test, y_test]` in an npz file.

    Args:
        path: the file. `x_<split>` are images, `[N, H, W]` or `[N, H, W, 1 | 3 | 4]`,
            uint8 or other numbers in [0, 255] (rounded); `y_<split>` are integer
            labels, `[N]` or `[N, 1]`.
        split: `"train"` or `"test"`.
        image_size: side in pixels of the squares to make. None keeps the size.
        cache_dir: see `tfssl.data.load`.
    """
    name = f"npz:{path}"
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{name}: there is no file {os.path.abspath(path)}.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            splits = [key[2:] for key in archive.files if key.startswith("x_")]
            if "train" not in splits:
                raise ValueError(
                    "it has no array x_train; make it with np.savez(path, "
                    "x_train=images, y_train=labels, x_test=..., y_test=...). "
                    f"It has: {', '.join(archive.files) or 'nothing'}"
                )
            check_split(split, splits, name)
            x = archive[f"x_{split}"]
            y = archive[f"y_{split}"] if f"y_{split}" in archive.files else None
    except (ValueError, AttributeError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from error

    _check_pixels(x, name)
    size = image_size or None
    height, width = (size, size) if size else x.shape[1:3]
    images = allocate((len(x), height, width, 3), cache_dir)
    for start in range(0, len(x), CHUNK):
        chunk = x[start : start + CHUNK]
        if chunk.dtype != np.uint8:
            chunk = np.rint(chunk).astype(np.uint8)
        images[start : start + CHUNK] = rgb_batch(chunk, size)
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    return ImageData(images, y, name=name, split=split)


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

"""`folder:DIR`: image files of any size, with or without classes."""

import operator
import os
from multiprocessing.pool import ThreadPool

import numpy as np
from absl import logging

from tfssl.data import formats, pixels
from tfssl.data.corrupt import check_corrupt, check_fraction_of_corrupt
from tfssl.data.image_data import ImageData
from tfssl.data.image_files import ImageFiles
from tfssl.data.listing import list_images
from tfssl.data.splits import UNDIVIDED
from tfssl.data.storage import allocate, is_streamed
from tfssl.data.table import LabelTable

DEFAULT_SIZE = 256
# Decoding fewer files than this takes seconds: no progress bar.
PROGRESS_FROM = 2000


def load_image(path, size):
    """One image file, as `load("folder:...", image_size=size)` gives it.

    Args:
        path: string or `pathlib.Path`, a file of a format that folders may hold.
        size: int, side in pixels of the square: the short side is resized to it and the
            centre is cut out.

    Returns:
        uint8 array `[size, size, 3]`, values in [0, 255].

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it cannot be decoded, or the size is below 1.

    Example:
        >>> from PIL import Image
        >>> from tfssl.data import load_image
        >>> Image.new("RGB", (40, 30), "red").save("red.png")
        >>> load_image("red.png", 8)[0, 0]
        array([255,   0,   0], dtype=uint8)
    """
    path = os.fspath(path)
    if operator.index(size) < 1:
        raise ValueError(f"size must be at least 1. Received: {size}.")
    if not os.path.isfile(path):
        # A pipe would be waited for.
        state = "is not a file" if os.path.exists(path) else "does not exist"
        raise FileNotFoundError(f"{os.path.abspath(path)} {state}.")
    if remedy := formats.remedy(path):
        raise ValueError(f"{path} cannot be decoded. To read such files: {remedy}.")
    try:
        return np.array(pixels.decode(path, size))
    except ValueError as error:
        raise ValueError(f"{path} cannot be decoded: {error}.") from error


def load_folder(
    folder,
    split="train",
    image_size=None,
    max_corrupt=0.01,
    cache_dir=None,
    labels=None,
    division=UNDIVIDED,
    stream=False,
    unlabelled="refuse",
):
    """All images below a folder, as squares of one size.

    `DIR/*.jpg` is a set without labels, `DIR/<class>/*.jpg` one with labels (the sorted
    names of the classes). Either may stand in `DIR/train` and `DIR/test`; without those
    two, `DIR` is the train split. With a table of labels, folders are no classes.

    Links are followed, but no folder of a class is read twice. Hidden folders are not
    entered. Files that are not images that can be read are counted by their endings
    (`ImageData.left_out`); a warning names the endings that may be images: all but what
    stands beside images, such as text, tables, checksums and hidden files.

    Args:
        folder: the folder.
        split: `"train"`, or another split that has a folder.
        image_size: side in pixels of the squares: the short side is resized to it and
            the centre is cut out. Defaults to 256.
        max_corrupt: fraction of the split's files that may be corrupt. They are skipped
            and named in the log; one more and nothing is loaded.
        cache_dir: see `tfssl.data.load`.
        labels: the CSV file of a `LabelTable`.
        division: `Division`, makes a test split of a train split.
        stream, unlabelled: see `tfssl.data.load`.

    Raises:
        CorruptImagesError: when more than `max_corrupt` of the files cannot be decoded.
    """
    name = f"folder:{folder}"
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{name}: no folder {os.path.abspath(folder)}.")
    check_fraction_of_corrupt(max_corrupt)
    size = DEFAULT_SIZE if image_size is None else image_size

    table = None if labels is None else LabelTable(labels)
    listing = list_images(folder, split, name, table, division, unlabelled)
    if notable := formats.worth_a_warning(listing.left_out):
        logging.warning(
            "Left out of %s, split %s: %s.", name, split, formats.described(notable)
        )
    files, classes = listing.files, listing.labels
    shape = (len(files), size, size, 3)
    corrupt = {}
    if is_streamed(shape, stream):
        images = ImageFiles(folder, files, size, classes, max_corrupt, name)
    else:
        images = allocate(shape, cache_dir)
        corrupt = _decode_all(folder, files, size, images)
    if corrupt:
        found, lines = check_corrupt(name, corrupt, len(files), max_corrupt)
        logging.warning("%s and were skipped:%s", found, lines)
        kept = [row for row, file in enumerate(files) if file not in corrupt]
        for new, old in enumerate(kept):
            images[new] = images[old]
        images = images[: len(kept)]
        files = [files[row] for row in kept]
        classes = None if classes is None else classes[kept]
    return ImageData(
        images,
        classes,
        listing.class_names,
        name,
        split,
        skipped=tuple(corrupt),
        paths=tuple(os.path.join(folder, file) for file in files),
        left_out=listing.left_out,
    )


def _decode_all(folder, files, size, images):
    """Decodes `files` into `images`; returns {corrupt file: reason}."""

    def decode(row):
        try:
            images[row] = pixels.decode(os.path.join(folder, files[row]), size)
        except ValueError as error:
            return str(error)
        return None

    corrupt = {}
    # Threads: Pillow decodes and resizes outside the interpreter's lock.
    with ThreadPool() as pool:
        reasons = pool.imap(decode, range(len(files)), chunksize=16)
        for file, reason in zip(files, _progress(reasons, len(files)), strict=True):
            if reason is not None:
                corrupt[file] = reason
    return corrupt


def _progress(results, total):
    if total < PROGRESS_FROM:
        return results
    from tqdm import tqdm

    return tqdm(results, desc="decoding", total=total, unit="image", delay=3)

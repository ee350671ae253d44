"""`folder:DIR`: JPEG, PNG, BMP and GIF files of any size, with or without classes."""

import collections
import os
from multiprocessing.pool import ThreadPool

import numpy as np
from absl import logging

from tfssl.data import pixels
from tfssl.data.image_data import ImageData
from tfssl.data.splits import check_split
from tfssl.data.storage import allocate

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
DEFAULT_SIZE = 256
# Decoding fewer files than this takes seconds: no progress bar.
PROGRESS_FROM = 2000


class CorruptImagesError(ValueError):
    """More images could not be decoded than `max_corrupt` allows.

    Args:
        message: what to tell, with the files.
        files: dict, corrupt file (relative to the folder) -> reason.
    """

    def __init__(self, message, files):
        super().__init__(message)
        self.files = files


def load_folder(
    folder, split="train", image_size=None, max_corrupt=0.01, cache_dir=None
):
    """All images below a folder, as squares of one size.

    `DIR/*.jpg` is a set without labels, `DIR/<class>/*.jpg` one with labels (the sorted
    names of the classes). Either may stand in `DIR/train` and `DIR/test`; without those
    two, `DIR` is the train split. Files and folders that start with a dot and files
    that are not images are ignored.

    Args:
        folder: the folder.
        split: `"train"`, or another split that has a folder.
        image_size: side in pixels of the squares: the short side is resized to it and
            the centre is cut out. Defaults to 256.
        max_corrupt: fraction of the files that may be corrupt. They are skipped and
            named in the log; one more and nothing is loaded.
        cache_dir: see `tfssl.data.load`.

    Raises:
        CorruptImagesError: when more than `max_corrupt` of the files cannot be decoded.
    """
    name = f"folder:{folder}"
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{name}: no folder {os.path.abspath(folder)}.")
    if not 0 <= max_corrupt <= 1:
        raise ValueError(f"max_corrupt is a fraction. Received: {max_corrupt}.")
    size = DEFAULT_SIZE if image_size is None else image_size

    files, labels, class_names = _list_images(folder, split, name)
    images = allocate((len(files), size, size, 3), cache_dir)
    corrupt = _decode_all(folder, files, size, images)
    if corrupt:
        _report(name, corrupt, len(files), max_corrupt)
        kept = [row for row, file in enumerate(files) if file not in corrupt]
        for new, old in enumerate(kept):
            images[new] = images[old]
        images = images[: len(kept)]
        labels = None if labels is None else labels[kept]
    return ImageData(images, labels, class_names, name, split, tuple(corrupt))


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


def _report(name, corrupt, total, max_corrupt):
    lines = "".join(f"\n  {file}: {reason}" for file, reason in corrupt.items())
    found = f"{len(corrupt)} of the {total} images in {name} are corrupt"
    if len(corrupt) / total > max_corrupt or len(corrupt) == total:
        raise CorruptImagesError(
            f"{found}, more than max_corrupt={max_corrupt} of them. Repair or remove "
            f"them, or raise max_corrupt:{lines}",
            corrupt,
        )
    logging.warning("%s and were skipped:%s", found, lines)


def _list_images(folder, split, name):
    """Files relative to `folder`, their labels or None, the class names or None."""
    folders = _subfolders(folder)
    if {"train", "test"} & set(folders):
        splits = {entry: os.path.join(folder, entry) for entry in folders}
    else:
        splits = {"train": folder}
    hint = f" Its images would stand in {os.path.join(folder, split)}."
    check_split(split, splits, name, hint)
    root = splits[split]

    loose = [f for f in sorted(os.listdir(root)) if _is_image(os.path.join(root, f))]
    # The classes of all splits, so that a label means the same class in each.
    names = {c for s in splits.values() for c in _subfolders(s) if _has_images(s, c)}
    per_class = [
        (label, path)
        for label, class_name in enumerate(sorted(names))
        for path in _walk(os.path.join(root, class_name))
    ]
    if loose and per_class:
        raise ValueError(
            f"{name}: {root} holds both images ({loose[0]}) and folders of images "
            f"({os.path.dirname(os.path.relpath(per_class[0][1], root))}). Images "
            "without classes stand in one folder, those with classes in one folder per "
            "class."
        )
    if not loose and not per_class:
        raise ValueError(
            f"{name}: no images in {root}. Looked for {', '.join(SUFFIXES)}; found "
            f"{_count_suffixes(root)}."
        )
    if loose:
        paths, labels, names = [os.path.join(root, f) for f in loose], None, None
    else:
        labels, paths = zip(*per_class, strict=True)
        labels, names = np.array(labels), tuple(sorted(names))
    return [os.path.relpath(path, folder) for path in paths], labels, names


def _is_image(path):
    file = os.path.basename(path)
    return (
        file.lower().endswith(SUFFIXES)
        and not file.startswith(".")
        and os.path.isfile(path)
    )


def _subfolders(folder):
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.is_dir() and e.name[0] != ".")


def _walk(folder):
    """The images in and below a folder, sorted."""
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, entry)
        if os.path.isdir(path) and entry[0] != ".":
            yield from _walk(path)
        elif _is_image(path):
            yield path


def _has_images(folder, class_name):
    return any(_walk(os.path.join(folder, class_name)))


def _count_suffixes(root):
    files = [file for _, _, files in os.walk(root) for file in files]
    counts = collections.Counter(os.path.splitext(f)[1].lower() for f in files)
    listed = (f"{n} {suffix or 'without one'}" for suffix, n in counts.most_common(5))
    return ", ".join(listed) or "nothing"

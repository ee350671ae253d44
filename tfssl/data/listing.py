"""What a folder holds: the images of a split, their labels, and what is left out."""

import collections
import dataclasses
import os

import numpy as np

from tfssl.data import formats, walk
from tfssl.data.splits import UNDIVIDED


@dataclasses.dataclass(frozen=True)
class Listing:
    """The images of one split, not opened yet.

    Args:
        files: list of str, relative to the folder.
        labels: int array, or None.
        class_names: tuple of str, or None.
        left_out: dict, see `tfssl.data.ImageData`.
    """

    files: list
    labels: np.ndarray | None
    class_names: tuple | None
    left_out: dict


def list_images(
    folder, split, name, table=None, division=UNDIVIDED, unlabelled="refuse"
):
    """Lists the images of a split of a folder.

    Args:
        folder: the folder.
        split: `"train"`, or another split that has a folder.
        name: the source, for messages.
        table: `LabelTable`; None takes the names of folders for classes.
        division: `Division`, makes a test split of a train split.
        unlabelled: see `tfssl.data.load`.

    Returns:
        `Listing`.
    """
    roots = _split_folders(folder)
    hint = f" Its images would stand in {os.path.join(folder, split)}."
    root = roots[division.stored(split, roots, name, hint)]
    if table is None:
        found = _by_class(folder, root)
    else:
        everything = list(walk.walk(folder))
        inside = os.path.join(root, "")
        found = [entry for entry in everything if entry[0].startswith(inside)]

    images = [path for path, kind in found if kind is None]
    left_out = dict(collections.Counter(kind for _, kind in found if kind is not None))
    if not images:
        raise ValueError(
            f"{name}: no images in {os.path.join(folder, root)}. Looked for "
            f"{', '.join(formats.ENDINGS)}; found "
            f"{formats.described(left_out, most=5)}."
        )
    if table is None:
        labels, class_names = _classes(folder, roots.values(), root, images, name)
    else:
        files = [path for path, _ in everything]
        if unlabelled == "leave_out":
            images = _labelled(images, table, files, left_out, f"{name}, split {split}")
        labels = table.labels(images, files, missing=unlabelled == "keep")
        labels = labels if (labels >= 0).any() else None
        class_names = table.class_names
    rows = division.rows(split, len(images), labels, name)
    if rows is not None:
        images = [images[row] for row in rows]
        labels = None if labels is None else labels[rows]
    return Listing(images, labels, class_names, left_out)


def _labelled(images, table, files, left_out, name):
    """The images that are in a table; how many are not is counted in `left_out`."""
    known = table.by_file(files)
    kept = [image for image in images if image in known]
    if not kept:
        raise ValueError(
            f"{name}: none of {len(images)} images is in labels={table.path}."
        )
    if len(kept) < len(images):
        left_out["without a label"] = len(images) - len(kept)
    return kept


def _split_folders(folder):
    """The folder of each split, relative to `folder`."""
    names = walk.subfolders(folder)
    return {n: n for n in names} if {"train", "test"} & set(names) else {"train": ""}


def _by_class(folder, root):
    """The files of a split, those of a class after those of another."""
    found = list(_walk_in(folder, root, walk.files))
    for class_name in walk.subfolders(os.path.join(folder, root)):
        # A walk each: classes may share a folder by links.
        found += _walk_in(folder, os.path.join(root, class_name), walk.walk)
    return found


def _walk_in(folder, part, read):
    """What `read` finds in a part of a folder, relative to the folder."""
    for path, kind in read(os.path.join(folder, part)):
        yield os.path.join(part, path), kind


def _classes(folder, roots, root, images, name):
    """The labels of images by the folders they stand in, and the names of classes."""
    # Each image's path within its split: class/.../file, or the file alone.
    inside = [path[len(os.path.join(root, "")) :] for path in images]
    loose = [path for path in inside if os.sep not in path]
    if len(loose) == len(images):
        return None, None
    if loose:
        deep = next(path for path in inside if os.sep in path)
        raise ValueError(
            f"{name}: {os.path.join(folder, root)} holds both images ({loose[0]}) and "
            f"folders of images ({os.path.dirname(deep)}). Images without classes "
            "stand in one folder, those with classes in one folder per class; with "
            "labels=FILE.csv they may stand anywhere."
        )
    # The classes of all splits, so that a label means the same class in each.
    names = {
        class_name
        for other in roots
        for class_name in walk.subfolders(os.path.join(folder, other))
        if _has_images(os.path.join(folder, other, class_name))
    }
    class_names = tuple(sorted(names))
    index = {class_name: label for label, class_name in enumerate(class_names)}
    return np.array([index[path.split(os.sep)[0]] for path in inside]), class_names


def _has_images(folder):
    return any(kind is None for _, kind in walk.walk(folder))

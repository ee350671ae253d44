"""The files of a folder: all of them, each once, however deep and however linked."""

import os

from tfssl.data import formats


def subfolders(folder):
    """Names of the folders in a folder, sorted, without hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if _is_folder(e) and e.name[0] != ".")


def files(folder):
    """The files in a folder, not below it, as `walk` gives them."""
    return [(e.name, _kind(e)) for e in _sorted(folder) if not _is_folder(e)]


def walk(folder):
    """The files in and below a folder.

    A folder is read once, under its own name if it has one here and else under that of
    a link to it: links that lead in a circle end. Hidden folders are not entered, and
    no file is opened.

    Args:
        folder: string.

    Yields:
        Tuples of the path, relative to the folder, and None for an image that can be
        read; else what the file is counted as, see `formats.left_out_as`.
    """
    # What is to be visited: path, real path of a folder, kind of a file.
    pending, links = [("", os.path.realpath(folder), None)], []
    seen = set()
    while pending or links:
        # Links come last, when all that needs no link has been seen.
        path, real, kind = (pending or links).pop()
        if real is None:
            yield path, kind
        elif real not in seen:
            seen.add(real)
            for entry in reversed(_sorted(os.path.join(folder, path))):
                child = os.path.join(path, entry.name)
                if not _is_folder(entry):
                    pending.append((child, None, _kind(entry)))
                elif entry.name[0] == ".":
                    continue
                elif entry.is_symlink():
                    links.append((child, os.path.realpath(entry), None))
                else:
                    pending.append((child, os.path.join(real, entry.name), None))


def _sorted(folder):
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry):
    # os.path, as DirEntry raises for a link that leads to itself.
    if entry.is_symlink():
        return os.path.isdir(entry)
    return entry.is_dir()


def _kind(entry):
    # Not a pipe, which would be waited for, nor a link to nothing.
    if not os.path.isfile(entry) if entry.is_symlink() else not entry.is_file():
        return formats.NOT_A_FILE
    return formats.left_out_as(entry.name)

"""The folder of a zoo: what comes in is whole, and entered in the index.

At any moment the process may be killed, and others may publish to the same folder.
"""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from tfssl.files import PARTIAL, facts, partial_path, write_text
from tfssl.locks import BusyError, locked
from tfssl.zoo.errors import ZooError
from tfssl.zoo.fetch import read_index
from tfssl.zoo.index import FORMAT, INDEX

# What every published encoder has. A folder with these and at most a projector is one
# that a killed `publish` left, if the index does not know it.
_WHOLE = {"encoder.keras", "metadata.json", "README.md"}


def check_free(zoo, name, overwrite=False):
    """Refuses a name that is taken.

    Raises:
        ZooError: if the index has it, or there is a folder of this name that no
            `publish` left behind; or if the index is damaged.
    """
    known = name in _entries(zoo)
    taken = known or not _may_be_replaced(zoo / name)
    refuse_taken(zoo / name, taken, overwrite)


def refuse_taken(place, taken, overwrite):
    """Refuses a place that is taken, unless it is to be overwritten.

    Raises:
        ZooError: if it is.
    """
    if taken and not overwrite:
        raise ZooError(
            f"{place} exists already. Choose another name, or set overwrite=True."
        )


def write_index(zoo, encoders):
    """Writes the index of a folder.

    Args:
        zoo: `pathlib.Path`; it exists.
        encoders: dict from names to entries.
    """
    index = {"format": FORMAT, "encoders": dict(sorted(encoders.items()))}
    write_text(zoo / INDEX, json.dumps(index, indent=2) + "\n")


@contextlib.contextmanager
def new_encoder(zoo, name, summary, overwrite=False):
    """An empty folder that becomes the encoder's, with its entry, when the block ends.

    Before that, whatever a killed `publish` left in the zoo is put in order. The zoo
    is held at the beginning and at the end, not while the block works.

    Args:
        zoo: `pathlib.Path` of the zoo; made if it does not exist.
        name: string, an allowed name.
        summary: dict, for the index.
        overwrite: bool, whether an encoder of this name is replaced.

    Yields:
        `pathlib.Path`. If the block fails, the zoo is as it was.

    Raises:
        ZooError: as `check_free`, or if another process holds the zoo for a minute.
    """
    zoo.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        with held(zoo) as alone:
            if alone:
                _tidy(zoo)
            # The dot ends the name: what follows it has none.
            work = Path(tempfile.mkdtemp(dir=zoo, prefix=f"{PARTIAL}{name}."))
            # For as long as this is held, others leave it alone.
            stack.enter_context(locked(work))
            stack.callback(shutil.rmtree, work, ignore_errors=True)
        new = work / "new"
        new.mkdir()
        yield new
        files = {path.name: facts(path) for path in sorted(new.iterdir())}
        with held(zoo):
            # Again: others may have been entered while this one was being written.
            check_free(zoo, name, overwrite)
            _put_in_place(work, zoo, name, {"summary": summary, "files": files})


def add_file(zoo, name, file, text, encoder):
    """Gives a published encoder one more file, or another one in its place.

    At any moment all that the index names is whole: an old file is forgotten before the
    new one takes its place, and that is entered last.

    Args:
        zoo: `pathlib.Path` of the zoo.
        name: string.
        file: string, the file's name.
        text: string, its content.
        encoder: dict, size and checksum of the encoder that it was made of.

    Raises:
        ZooError: if the index has another encoder of this name by now, or none; or as
            `held`.
    """
    with held(zoo) as alone:
        if alone:
            _tidy(zoo)
        encoders = _entries(zoo)
        files = encoders.get(name, {}).get("files", {})
        if files.get("encoder.keras") != encoder:
            raise ZooError(
                f"{zoo / name} was replaced or taken away meanwhile. Nothing was "
                "written; try again."
            )
        # In the zoo, where what is left of it is tidied up.
        new = partial_path(zoo / file)
        try:
            write_text(new, text)
            if files.pop(file, None):
                write_index(zoo, encoders)
            os.replace(new, zoo / name / file)
            files[file] = facts(zoo / name / file)
            encoders[name]["files"] = dict(sorted(files.items()))
            write_index(zoo, encoders)
        finally:
            new.unlink(missing_ok=True)


@contextlib.contextmanager
def held(zoo):
    """Holds the folder of a zoo, while its index or page is written.

    Args:
        zoo: `pathlib.Path`; it exists.

    Yields:
        bool, whether others are kept out: some file systems have no locks.

    Raises:
        ZooError: if another process holds it for a minute.
    """
    with contextlib.ExitStack() as stack:
        try:
            alone = stack.enter_context(locked(zoo))
        except BusyError as error:
            raise ZooError(str(error)) from error
        yield alone


def _put_in_place(work, zoo, name, entry):
    """Moves `work/new` to its folder and enters it, or leaves all as it was."""
    new, old, folder = work / "new", work / "old", zoo / name
    if os.path.lexists(folder):
        os.replace(folder, old)
    try:
        os.replace(new, folder)
        write_index(zoo, {**_entries(zoo), name: entry})
    except BaseException:
        if not new.exists():
            os.replace(folder, new)
        if os.path.lexists(old):
            os.replace(old, folder)
        raise


def _tidy(zoo):
    """Puts in order what killed processes left; the zoo is held."""
    encoders = _entries(zoo)
    for left in zoo.glob(f"{PARTIAL}*"):
        if not left.is_dir():
            # Of an index, or a file that was to be added: who writes those holds the
            # zoo.
            left.unlink(missing_ok=True)
            continue
        with contextlib.suppress(BusyError), locked(left, patience=0):
            _bring_back(left, zoo, encoders)
            shutil.rmtree(left, ignore_errors=True)


def _bring_back(work, zoo, encoders):
    """An encoder that was moved away to be replaced, and was not."""
    name = work.name.removeprefix(PARTIAL).rpartition(".")[0]
    old, folder = work / "old", zoo / name
    if name not in encoders or not _is(old, encoders[name]["files"]):
        return
    if os.path.lexists(folder):
        os.replace(folder, work / "unfinished")
    os.replace(old, folder)


def _is(folder, files):
    """Whether a folder has these files."""
    return folder.is_dir() and all(
        (folder / file).is_file()
        and (folder / file).stat().st_size == expected["size"]
        and facts(folder / file)["sha256"] == expected["sha256"]
        for file, expected in files.items()
    )


def _may_be_replaced(folder):
    """Whether nothing is lost with a folder that the index does not know."""
    if not os.path.lexists(folder):
        return True
    if folder.is_symlink() or not folder.is_dir():
        return False
    return _WHOLE <= set(os.listdir(folder)) <= _WHOLE | {"projector.keras"}


def _entries(zoo):
    # Not `exists`, for which a link to nothing is nothing.
    return read_index(zoo) if os.path.lexists(zoo / INDEX) else {}

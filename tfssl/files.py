"""Files that are whole or not there, their checksums, and what made them."""

import contextlib
import hashlib
import os
import platform
import subprocess
import uuid
from importlib import metadata
from pathlib import Path

# How the name of a file begins that is not whole yet.
PARTIAL = ".partial-"
_BLOCK = 1 << 20


@contextlib.contextmanager
def whole_file(path, mode="w"):
    """Opens a temporary neighbour that takes the file's place when all is written.

    Args:
        path: string or `pathlib.Path`; its folder exists.
        mode: "w" for text, "wb" for bytes. Defaults to "w".

    Yields:
        The open file. If the block fails, nothing is left behind.

    Example:
        >>> import tempfile
        >>> from tfssl.files import whole_file
        >>> path = tempfile.mkdtemp() + "/note.txt"
        >>> with whole_file(path) as file:
        ...     length = file.write("done")
        >>> open(path).read()
        'done'
    """
    partial = partial_path(path)
    # Not of `tempfile`, whose files are for their owner only.
    file = open(partial, mode.replace("w", "x"), newline=None if "b" in mode else "")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def partial_path(path):
    """A neighbour's name for a file that is not whole yet, with the same ending."""
    path = Path(path)
    return path.with_name(f"{PARTIAL}{uuid.uuid4().hex}-{path.name}")


def home():
    """Folder of what programs keep for others: `tfssl` in `KERAS_HOME`, a `Path`."""
    keras_home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(keras_home) / "tfssl"


def write_text(path, text):
    """Writes a text file whole or not at all.

    Args:
        path: string or `pathlib.Path`; its folder exists.
        text: string.
    """
    with whole_file(path) as file:
        file.write(text)


def save_model(model, path):
    """Saves a Keras model as a `.keras` file, whole or not at all.

    Args:
        model: `keras.Model`.
        path: string or `pathlib.Path` that ends in `.keras`; its folder exists.
    """
    partial = partial_path(path)
    try:
        model.save(partial)
        sync(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def sync(path):
    """Waits until a file is on the disk."""
    with open(path, "rb") as data:
        os.fsync(data.fileno())


def facts(path, md5=False):
    """Checksum and size of a file.

    Args:
        path: string or `pathlib.Path`.
        md5: bool, whether there is also an `md5`, of which some publishers tell no
            more. Defaults to False.

    Returns:
        Dict with `sha256`, 64 hexadecimal digits, and `size` in bytes.

    Example:
        >>> import tempfile
        >>> from tfssl import files
        >>> with tempfile.NamedTemporaryFile() as empty:
        ...     files.facts(empty.name)["sha256"][:8]
        'e3b0c442'
    """
    digests = {"sha256": hashlib.sha256()}
    if md5:
        digests["md5"] = hashlib.md5(usedforsecurity=False)
    size = 0
    with open(path, "rb") as data:
        while block := data.read(_BLOCK):
            for digest in digests.values():
                digest.update(block)
            size += len(block)
    return {"size": size, **{name: x.hexdigest() for name, x in digests.items()}}


def versions():
    """Versions of Python and of the packages that decide a run's numbers: a dict."""
    import keras

    found = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for package in ("tfssl", "keras", "tensorflow", "jax", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit():
    """Commit of the checkout that this package runs from, or None outside of one."""
    here = Path(__file__)

    def git(*arguments):
        asked = ["git", *arguments]
        out = subprocess.run(
            asked, cwd=here.parent, capture_output=True, text=True, check=True
        )
        return out.stdout.strip()

    try:
        # An environment may lie in somebody's repository, which is not this one.
        git("ls-files", "--error-unmatch", here.name)
        return git("describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return None

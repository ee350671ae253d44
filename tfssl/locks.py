"""Folders that one process at a time may change."""

import contextlib
import os
import time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Moving folders and writing an index takes far less.
_PATIENCE = 60  # seconds
_PAUSE = 0.02


class BusyError(RuntimeError):
    """Another process holds the folder."""


@contextlib.contextmanager
def locked(folder, patience=None):
    """Holds a folder that other processes ask for, too.

    It is the system's lock on the folder itself, so no file is left of it, and it ends
    with the process however that ends.

    Args:
        folder: string or `pathlib.Path`.
        patience: number of seconds to wait for another holder. Defaults to 60.

    Yields:
        True; False where the system, or this file system, has no such locks.

    Raises:
        BusyError: if another holds it still.

    Example:
        >>> import tempfile
        >>> from tfssl.locks import locked
        >>> with tempfile.TemporaryDirectory() as folder, locked(folder):
        ...     print("changed")
        changed
    """
    if fcntl is None:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _lock(descriptor, folder, _PATIENCE if patience is None else patience)
    finally:
        os.close(descriptor)


def _lock(descriptor, folder, patience):
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"Another process has held {folder} for {patience} seconds. Let it "
                    "finish, or end it, and try again."
                ) from error
        except OSError:
            return False
        time.sleep(_PAUSE)

"""One program at a time in a folder."""

import contextlib
import errno
import os

try:
    import fcntl
except ImportError:
    # Of Windows, which has other locks.
    fcntl = None


@contextlib.contextmanager
def alone(folder):
    """Keeps other programs that ask for the same out of a folder.

    The lock is the system's, on the folder itself: it leaves no file, and ends with the
    program, however that ends. Where a file system has no such locks, as some of a
    network, nothing is kept out.

    Args:
        folder: string or `pathlib.Path` of a folder that exists.

    Raises:
        RuntimeError: if another program is in the folder.

    Example:
        >>> import tempfile
        >>> from tfssl import runs
        >>> with tempfile.TemporaryDirectory() as folder, runs.alone(folder):
        ...     print("trained")
        trained
    """
    if fcntl is None:
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise RuntimeError(
                    f"Another program is at work in {folder}. Wait for its end, or "
                    f"choose another folder. Received: {folder}"
                ) from None
        yield
    finally:
        os.close(opened)

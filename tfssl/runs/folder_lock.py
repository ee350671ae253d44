"""One program at a time in a folder."""

import contextlib

from tfssl.locks import BusyError, locked


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
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(folder, patience=0))
        except BusyError:
            raise RuntimeError(
                f"Another program is at work in {folder}. Wait for its end, or choose "
                f"another folder. Received: {folder}"
            ) from None
        yield

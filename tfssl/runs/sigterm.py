"""What SIGTERM does to a run: its state is saved before it ends."""

import contextlib
import signal
import threading


class Terminated(SystemExit):
    """Ends a program whose run SIGTERM has ended, with its state saved.

    The exit code is 75, EX_TEMPFAIL of sysexits.h: the same command again goes on.
    """

    def __init__(self):
        super().__init__(75)


@contextlib.contextmanager
def termination():
    """Notes SIGTERM instead of ending the program at once.

    Yields:
        Function of nothing that says whether SIGTERM has come, for
        `Workdir.callbacks`.

    Example:
        >>> import os, signal
        >>> from tfssl import runs
        >>> with runs.termination() as terminated:
        ...     os.kill(os.getpid(), signal.SIGTERM)
        ...     terminated()
        True
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        # Python gives signals to the main thread only.
        yield came.is_set
        return
    before = signal.signal(signal.SIGTERM, lambda *_: came.set())
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGTERM, before)

"""Batches that are made while those before them are in use."""

import collections
from concurrent.futures import ThreadPoolExecutor

# As many as hide the longest of a few batches, and no more to hold.
_AHEAD = 2


def ahead(calls):
    """The results of functions in their order; the next two are being computed.

    Args:
        calls: iterable of functions of nothing, which may run beside each other.

    Yields:
        What they return. An error is raised in the place of its result.

    Example:
        >>> from tfssl.training.read_ahead import ahead
        >>> list(ahead([lambda: 1, lambda: 2, lambda: 3]))
        [1, 2, 3]
    """
    with ThreadPoolExecutor(_AHEAD, "tfssl_ahead") as executor:
        pending = collections.deque()
        try:
            for call in calls:
                pending.append(executor.submit(call))
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # Of a pass that is given up.
            for future in pending:
                future.cancel()

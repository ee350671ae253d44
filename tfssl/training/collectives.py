"""The collectives of `tf.distribute`: their numbers, and workers that are gone."""

import contextlib
import itertools
import weakref

import tensorflow as tf

# What TensorFlow says where a worker does not answer any more.
_ABORTED = "Collective ops is aborted"
_NUMBERED = weakref.WeakSet()
_BASES = itertools.count(0, 1000)


def number_collectives(strategy):
    """Gives a strategy's collectives numbers that no other strategy's have.

    TensorFlow numbers those of each `MirroredStrategy` from the same start, and keeps
    the shapes of all that have run in the process. So the second strategy, as of a
    notebook cell that is run again, would meet the shapes of the first.

    Args:
        strategy: `tf.distribute.Strategy`; others than `MirroredStrategy`, of which
            there is one in a process, are left alone.
    """
    if not isinstance(strategy, tf.distribute.MirroredStrategy):
        return
    if strategy in _NUMBERED:
        return
    _NUMBERED.add(strategy)
    base = next(_BASES)
    if not base:
        return
    # As its constructor does, which takes no such argument.
    extended = strategy.extended
    default = extended._cross_device_ops is extended._collective_ops
    extended._collective_key_base = base
    extended._collective_ops = extended._make_collective_ops_with_fallbacks()
    if default:
        extended._cross_device_ops = extended._collective_ops


@contextlib.contextmanager
def lost_workers():
    """Names what a worker of `MultiWorkerMirroredStrategy` meets when another is gone.

    Raises:
        RuntimeError: out of the block, in the place of TensorFlow's error.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if _ABORTED not in error.message:
            raise
        said = error.message.split(_ABORTED, 1)[1].splitlines()[0]
        raise RuntimeError(
            "Another worker of this run is gone, and this one ends with it. Start all "
            "workers again with the same command: they go on at the last checkpoint. "
            f"Received: {_ABORTED}{said}"
        ) from error

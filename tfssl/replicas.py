"""The replicas that take the present step together.

Under `tf.distribute` a step runs once on each replica; these functions are all
that losses, layers and the training step need to know about it. Everywhere else (one
device, JAX, eager code, `dataset.map`) there is one replica. On JAX with
`keras.distribution` the arrays are global already, so one replica is the truth.

A batch that is taken in parts, one after the other, is numbered as if each part were on
a replica of its own.
"""

import contextlib
import contextvars
import sys

import keras
from keras import ops

# Number of the present part of this replica's batch, and how many there are.
_part = contextvars.ContextVar("part", default=(0, 1))


def _context():
    """The `tf.distribute` replica context when several replicas run, else None."""
    # Keras has imported TensorFlow when it is the backend.
    if keras.backend.backend() != "tensorflow":
        return None
    context = sys.modules["tensorflow"].distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


@contextlib.contextmanager
def part(number, parts):
    """Within, this replica's batch is taken in parts, of which this is one.

    `count` and `index` are those of as many replicas as there are parts in all, so that
    the parts draw together what the whole batch draws. A part sees no other one: what
    gathers is refused.

    Args:
        number: int or scalar integer tensor, of this part, from 0.
        parts: int, of this replica.

    Example:
        >>> from tfssl import replicas
        >>> with replicas.part(3, parts=4):
        ...     replicas.index(), replicas.count(), replicas.reach()
        (3, 4, 1)
    """
    token = _part.set((number, parts))
    try:
        yield
    finally:
        _part.reset(token)


def count():
    """Number of replicas that take the present step: a Python integer."""
    return _replicas() * _part.get()[1]


def index():
    """Index of this replica, from 0: an integer or a scalar integer tensor."""
    context = _context()
    number, parts = _part.get()
    own_index = 0 if context is None else context.replica_id_in_sync_group
    return own_index * parts + number


def reach():
    """Number of replicas that `gather` reaches: all, or 1 within a part of a batch."""
    return 1 if _part.get()[1] > 1 else _replicas()


def _replicas():
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def devices():
    """Devices that share out the rows of a batch by `keras.distribution`, on JAX.

    The arrays stay global: this is only what the size of a batch must divide by.
    Elsewhere it is 1.
    """
    if keras.backend.backend() != "jax":
        return 1
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    mesh = distribution.device_mesh
    return int(mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)])


def gather(x):
    """Rows of all replicas in replica order; differentiable.

    Args:
        x: tensor `[batch, ...]`, the same shape on each replica.

    Returns:
        Tensor `[count * batch, ...]`. Its gradient is summed over the replicas.

    Raises:
        ValueError: within a part of a batch.

    Example:
        >>> from tfssl import replicas
        >>> replicas.gather(keras.ops.ones((4, 2))).shape[0]  # one replica
        4
    """
    if _part.get()[1] > 1:
        raise ValueError(
            "What looks across the whole batch cannot be computed from a part of it. "
            f"Received: a tensor {tuple(x.shape)} of one of {_part.get()[1]} parts"
        )
    context = _context()
    if context is None:
        return x
    # The collective takes no bfloat16, and between workers nothing that is on no device
    # yet, as what the step was called with.
    half = x.dtype == "bfloat16"
    x_here = ops.cast(x, "float32") if half else ops.copy(x)
    rows = ops.cast(_gathered(x_here), x.dtype)
    # The collective forgets the shape.
    batch, *rest = x.shape
    rows.set_shape([batch and batch * context.num_replicas_in_sync, *rest])
    return rows


def _gathered(x):
    """Rows of all replicas; the gradient takes one collective."""
    tensorflow = sys.modules["tensorflow"]

    @tensorflow.custom_gradient
    def gathered(x):
        def gradient(upstream):
            # TensorFlow's own asks all replicas for their sizes once more.
            return own(_context().all_reduce("SUM", upstream))

        return _context().all_gather(x, axis=0), gradient

    return gathered(x)


def own(rows):
    """This replica's part of rows that are the same on all: `own(gather(x))` is `x`.

    Args:
        rows: tensor `[count * batch, ...]`.

    Returns:
        Tensor `[batch, ...]`.

    Example:
        >>> from tfssl import replicas
        >>> replicas.own(keras.ops.ones((4, 2))).shape[0]  # one replica
        4
    """
    if count() == 1:
        return rows
    batch = ops.shape(rows)[0] // count()
    starts = (index() * batch, *[0] * (len(rows.shape) - 1))
    return ops.slice(rows, starts, (batch, *rows.shape[1:]))


def positions(batch):
    """Positions of this replica's images in the batch of all: int32 `[batch]`."""
    return index() * batch + ops.arange(batch, dtype="int32")


def mean(x):
    """Mean of `x` over the replicas; the same value everywhere."""
    return x if count() == 1 else ops.mean(gather(x[None]), axis=0)

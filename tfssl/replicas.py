"""The replicas that take the present step together.

Under `tf.distribute` a step runs once on each replica; these functions are all
that losses, layers and the training step need to know about it. Everywhere else (one
device, JAX, eager code, `dataset.map`) there is one replica. On JAX with
`keras.distribution` the arrays are global already, so one replica is the truth.
"""

import sys

import keras
from keras import ops


def _context():
    """The `tf.distribute` replica context when several replicas run, else None."""
    # Keras has imported TensorFlow when it is the backend.
    if keras.backend.backend() != "tensorflow":
        return None
    context = sys.modules["tensorflow"].distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


def count():
    """Number of replicas that take the present step: a Python integer."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def index():
    """Index of this replica, from 0: an integer or a scalar integer tensor."""
    context = _context()
    return 0 if context is None else context.replica_id_in_sync_group


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

    Example:
        >>> from tfssl import replicas
        >>> replicas.gather(keras.ops.ones((4, 2))).shape[0]  # one replica
        4
    """
    context = _context()
    if context is None:
        return x
    # The collective takes no bfloat16.
    half = x.dtype == "bfloat16"
    rows = context.all_gather(ops.cast(x, "float32") if half else x, axis=0)
    rows = ops.cast(rows, x.dtype)
    # The collective forgets the shape.
    batch, *rest = x.shape
    rows.set_shape([batch and batch * context.num_replicas_in_sync, *rest])
    return rows


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
    if _context() is None:
        return rows
    batch = ops.shape(rows)[0] // count()
    starts = (index() * batch, *[0] * (len(rows.shape) - 1))
    return ops.slice(rows, starts, (batch, *rows.shape[1:]))


def positions(batch):
    """Positions of this replica's images in the batch of all: int32 `[batch]`."""
    return index() * batch + ops.arange(batch, dtype="int32")


def mean(x):
    """Mean of `x` over the replicas; the same value everywhere."""
    return x if _context() is None else ops.mean(gather(x[None]), axis=0)

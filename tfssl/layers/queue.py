"""A queue of past embeddings."""

import keras
import numpy as np
from keras import ops

from tfssl import replicas
from tfssl.checks import check_count


@keras.saving.register_keras_serializable("tfssl")
class Queue(keras.layers.Layer):
    """The newest `size` embeddings, the same on all replicas.

    It starts full of random unit vectors, or empty: with rows of zeros. New rows
    replace the oldest ones, round and round; the batch need not divide the size.
    Nothing is differentiated.

    Args:
        size: int, rows.
        dim: int, width of an embedding.
        seed: int, of the first rows. Defaults to 0.
        empty: bool, whether it starts with rows of zeros. Defaults to False.

    Raises:
        ValueError: for a size below 1, or if a push holds more rows than the queue.

    Example:
        >>> import keras, tfssl
        >>> queue = tfssl.layers.Queue(size=5, dim=2)
        >>> queue.push(keras.ops.ones((3, 2)))
        >>> int(queue.pointer)
        3

    Source: He et al. 2019, arXiv 1911.05722, section 3.2 and algorithm 1.
    """

    def __init__(self, size, dim, seed=0, empty=False, name="queue"):
        check_count(size=size, dim=dim)
        super().__init__(name=name, dtype="float32", trainable=False)
        self.size, self.dim, self.seed, self.empty = size, dim, seed, empty
        self.rows = self.add_weight(
            shape=(size, dim),
            initializer="zeros" if empty else _RandomUnitRows(seed),
            trainable=False,
            name="rows",
        )
        self.pointer = self.add_weight(
            shape=(),
            initializer="zeros",
            dtype="int32",
            trainable=False,
            name="pointer",
        )
        self.built = True

    @property
    def full(self):
        """Whether it holds no rows of zeros any more: a bool scalar."""
        return ops.any(ops.not_equal(self.rows[-1], 0.0))

    def check(self, rows):
        """Refuses a push of more rows, an int, than the queue holds."""
        if rows > self.size:
            raise ValueError(
                f"A queue of {self.size} cannot take a batch. Choose a larger queue "
                f"or a smaller batch. Received: {rows} rows"
            )

    def nearest(self, rows):
        """The row of the queue that is most similar to each of the given ones.

        Args:
            rows: float32 tensor `[batch, dim]`.

        Returns:
            float32 tensor `[batch, dim]`; it takes no gradient.
        """
        queue = ops.convert_to_tensor(self.rows)
        similarities = ops.matmul(ops.stop_gradient(rows), ops.transpose(queue))
        return ops.take(queue, ops.argmax(similarities, axis=1), axis=0)

    def push(self, rows):
        """Puts rows in place of the oldest ones.

        Args:
            rows: tensor `[batch, dim]` of this replica; those of all replicas are
                pushed, in replica order.
        """
        rows = replicas.gather(ops.stop_gradient(ops.cast(rows, "float32")))
        known = rows.shape[0]
        if known is not None:
            self.check(known)
        # Of a batch of unknown size the newest, if there are more than fit.
        rows = rows if known is not None else rows[-self.size :]
        count = ops.shape(rows)[0]
        pointer = ops.convert_to_tensor(self.pointer)
        positions = (pointer + ops.arange(count, dtype="int32")) % self.size
        self.rows.assign(
            ops.scatter_update(
                ops.convert_to_tensor(self.rows), positions[:, None], rows
            )
        )
        self.pointer.assign((pointer + count) % self.size)

    def get_config(self):
        return {
            "size": self.size,
            "dim": self.dim,
            "seed": self.seed,
            "empty": self.empty,
            "name": self.name,
        }


class _RandomUnitRows(keras.initializers.Initializer):
    def __init__(self, seed):
        self.seed = seed

    def __call__(self, shape, dtype=None):
        # The same numbers on all backends and replicas.
        rows = np.random.default_rng(self.seed).normal(size=shape)
        rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
        return ops.convert_to_tensor(rows, dtype or "float32")

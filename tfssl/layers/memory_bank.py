"""A memory of one embedding for each image of the data set."""

import keras
import numpy as np
from keras import ops

from tfssl import replicas
from tfssl.checks import check_count, check_share


@keras.saving.register_keras_serializable("tfssl")
class MemoryBank(keras.layers.Layer):
    """A row for each image, which follows the image's embeddings; same on all replicas.

        row <- normalize(momentum row + (1 - momentum) embedding)

    Args:
        images: int, rows: images in the data set.
        dim: int, width of an embedding.
        momentum: float in [0, 1]. Defaults to 0.5.
        seed: int, of the first rows. Defaults to 0.

    Raises:
        ValueError: for no images, or a momentum outside [0, 1].

    Example:
        >>> import keras, tfssl
        >>> bank = tfssl.layers.MemoryBank(images=10, dim=4)
        >>> bank.update(keras.ops.array([7]), keras.ops.ones((1, 4)))
        >>> round(float(keras.ops.norm(bank.rows[7])), 3)
        1.0

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.1.
    """

    def __init__(self, images, dim, momentum=0.5, seed=0, name="memory_bank"):
        check_count(images=images, dim=dim)
        check_share(momentum=momentum)
        super().__init__(name=name, dtype="float32", trainable=False)
        self.images, self.dim = images, dim
        self.momentum, self.seed = momentum, seed
        self.rows = self.add_weight(
            shape=(images, dim),
            initializer=_UniformRows(seed),
            trainable=False,
            name="rows",
        )
        self.built = True

    def update(self, index, embeddings):
        """Moves rows towards new embeddings.

        Args:
            index: int32 `[batch]`, which rows; those of all replicas are moved.
            embeddings: `[batch, dim]` of length 1.
        """
        index = replicas.gather(index)
        embeddings = replicas.gather(ops.stop_gradient(ops.cast(embeddings, "float32")))
        rows = ops.convert_to_tensor(self.rows)
        moved = self.momentum * ops.take(rows, index, axis=0)
        moved = ops.normalize(moved + (1 - self.momentum) * embeddings, axis=-1)
        self.rows.assign(ops.scatter_update(rows, index[:, None], moved))

    def get_config(self):
        return {
            "images": self.images,
            "dim": self.dim,
            "momentum": self.momentum,
            "seed": self.seed,
            "name": self.name,
        }


class _UniformRows(keras.initializers.Initializer):
    def __init__(self, seed):
        self.seed = seed

    def __call__(self, shape, dtype=None):
        # The same numbers on all backends; rows of length 1 in the mean.
        limit = np.sqrt(3 / shape[1])
        rows = np.random.default_rng(self.seed).uniform(-limit, limit, shape)
        return ops.convert_to_tensor(rows, dtype or "float32")

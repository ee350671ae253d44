"""A memory of one embedding for each image, and what its scores are divided by."""

import keras
import numpy as np
from keras import ops

from tfssl import replicas
from tfssl.checks import check_count, check_fraction


@keras.saving.register_keras_serializable("tfssl")
class MemoryBank(keras.layers.Layer):
    """A row for each image, the moving average of its embeddings; same on all replicas.

        row <- normalize(momentum row + (1 - momentum) embedding)

    Args:
        num_images: int, rows: images in the data set.
        dim: int, width of an embedding.
        momentum: float in [0, 1]. Defaults to 0.5.
        seed: int, of the first rows. Defaults to 0.

    Raises:
        ValueError: for no images, or a momentum outside [0, 1].

    Example:
        >>> import keras, tfssl
        >>> bank = tfssl.layers.MemoryBank(num_images=10, dim=4)
        >>> bank.update(keras.ops.array([7]), keras.ops.ones((1, 4)))
        >>> round(float(keras.ops.norm(bank.rows[7])), 3)
        1.0

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.1.
    """

    def __init__(self, num_images, dim, momentum=0.5, seed=0, name="memory_bank"):
        check_count(num_images=num_images, dim=dim)
        check_fraction(momentum=momentum)
        super().__init__(name=name, dtype="float32", trainable=False)
        self.num_images, self.dim = num_images, dim
        self.momentum, self.seed = momentum, seed
        self.rows = self.add_weight(
            shape=(num_images, dim),
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
            "num_images": self.num_images,
            "dim": self.dim,
            "momentum": self.momentum,
            "seed": self.seed,
            "name": self.name,
        }


@keras.saving.register_keras_serializable("tfssl")
class Normalizers(keras.layers.Layer):
    """The constants Z of noise-contrastive estimation, which the first batch sets.

        Z = num_images * mean(scores of the first batch),    P = scores / Z

    Args:
        count: int, how many kinds of scores there are.
        num_images: int, images in the data set.
        name: string.

    Call arguments:
        scores: list of `count` float32 tensors, of the same shapes on all replicas.

    Returns:
        float32 tensor `[count]`.

    Example:
        >>> import keras, tfssl
        >>> normalizers = tfssl.layers.Normalizers(count=1, num_images=10)
        >>> float(normalizers([keras.ops.full((4, 3), 2.0)])[0])
        20.0
        >>> float(normalizers([keras.ops.full((4, 3), 5.0)])[0])
        20.0

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.2.
    """

    def __init__(self, count, num_images, name="normalizers"):
        check_count(count=count, num_images=num_images)
        super().__init__(name=name, dtype="float32", trainable=False)
        self.count, self.num_images = count, num_images
        # 0 until the first batch.
        self.values = self.add_weight(
            shape=(count,), initializer="zeros", trainable=False, name="values"
        )
        self.built = True

    def call(self, scores):
        means = replicas.mean(ops.stack([ops.mean(each) for each in scores]))
        old, new = ops.convert_to_tensor(self.values), means * self.num_images
        self.values.assign(ops.where(old > 0, old, ops.stop_gradient(new)))
        return ops.convert_to_tensor(self.values)

    def get_config(self):
        return {
            "count": self.count,
            "num_images": self.num_images,
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

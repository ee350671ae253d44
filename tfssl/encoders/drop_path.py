"""Blocks that are left out at random in training: stochastic depth."""

import random

import keras
from keras import ops

from tfssl.checks import check_fraction
from tfssl.layers import TransformerBlock
from tfssl.views.random import ReplicaStream, fold_in


@keras.saving.register_keras_serializable("tfssl")
class DropPathBlock(TransformerBlock):
    """A block of which each image leaves out both branches with a probability.

    Only in training; what stays is divided by the probability to stay. Replicas draw
    together what one device draws, and the number of the draw is a weight, so that a
    run that goes on draws what it would have drawn.

    Args:
        heads, mlp_ratio: as `tfssl.layers.TransformerBlock`.
        drop_path: float in [0, 1), the probability. Defaults to 0, which keeps all and
            has no weight more.
        seed: int, of the draws. Defaults to one from Python's generator, which
            `keras.utils.set_random_seed` sets.
        name: string.

    Raises:
        ValueError: for a probability out of range.

    Example:
        >>> import keras
        >>> from tfssl.encoders.drop_path import DropPathBlock
        >>> block = DropPathBlock(heads=2, drop_path=0.5)
        >>> x = keras.ops.ones((4, 5, 8))
        >>> y = block(x, training=True)
        >>> int(block.draws)
        1

    Source: Huang et al. 2016, arXiv 1603.09382.
    """

    def __init__(self, heads, mlp_ratio=4, drop_path=0.0, seed=None, **kwargs):
        check_fraction(drop_path=drop_path)
        if drop_path == 1:
            raise ValueError("drop_path must be below 1. Received: drop_path=1")
        super().__init__(heads, mlp_ratio, **kwargs)
        self.drop_path = drop_path
        # A teacher keeps all, though it is called as in training.
        self.keeps_all = False
        self.seed = random.randrange(2**31) if seed is None else seed

    def build(self, input_shape):
        super().build(input_shape)
        if self.drop_path:
            self.draws = self.add_weight(
                shape=(),
                initializer="zeros",
                dtype="int32",
                trainable=False,
                name="draws",
            )

    def call(self, x, attended=None, training=False):
        y = super().call(x, attended=attended, training=training)
        if training and self.drops:
            self.draws.assign(self.draws + 1)
        return y

    @property
    def drops(self):
        """Whether branches are left out in training."""
        return self.drop_path > 0 and not self.keeps_all

    def branch(self, x, number, training):
        if not training or not self.drops:
            return x
        stream = ReplicaStream(fold_in(fold_in(self.seed, self.draws), number))
        drawn = stream.uniform((ops.shape(x)[0],))
        kept = ops.cast(drawn >= self.drop_path, x.dtype) / (1.0 - self.drop_path)
        return x * kept[:, None, None]

    def get_config(self):
        config = {"drop_path": self.drop_path, "seed": self.seed}
        return {**super().get_config(), **config}

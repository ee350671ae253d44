"""Random numbers that are a pure function of a key."""

import keras
from keras import ops

# Odd constants of 32-bit hash mixing, as signed integers: the sums wrap.
_DRAW = -1640531527
_FOLD = -2048144789


class SeedStream(keras.random.SeedGenerator):
    """Seeds for `keras.random` that depend on a key and on nothing else.

    A `keras.random.SeedGenerator` advances a variable; a stream advances a Python
    counter while the step is traced. The same key therefore gives the same numbers in
    eager mode, in a compiled function, in `dataset.map` and after a restart.

    Args:
        key: an integer, or an integer tensor of shape `[2]`.

    Example:
        >>> import keras
        >>> from tfssl.views import SeedStream
        >>> a = keras.random.uniform((3,), seed=SeedStream(7))
        >>> b = keras.random.uniform((3,), seed=SeedStream(7))
        >>> bool((keras.ops.convert_to_numpy(a) == keras.ops.convert_to_numpy(b)).all())
        True
    """

    def __init__(self, key):
        # No super().__init__(): a stream owns no variable.
        if isinstance(key, int):
            key = [key, 0]
        self.key = ops.cast(ops.convert_to_tensor(key), "int32")
        self.draws = 0

    def next(self, ordered=True):
        self.draws += 1
        offset = (_DRAW * self.draws + 2**31) % 2**32 - 2**31
        seed = self.key + ops.convert_to_tensor([offset, 0], dtype="int32")
        # JAX takes raw uint32 keys; TensorFlow takes int32 pairs.
        return ops.cast(seed, "uint32") if keras.backend.backend() == "jax" else seed


def fold_in(key, number):
    """A new `[2]` key that differs for each `number` (a replica index, a view, ...)."""
    number = ops.cast(number, "int32")
    return ops.stack([key[0] + number * _FOLD, key[1]])

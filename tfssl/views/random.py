"""Random numbers that are a pure function of a key, the same everywhere.

TensorFlow draws other numbers in a compiled function than outside of it, and JAX draws
others again. Here the generator is written out, so that a key gives the same views in
eager mode, compiled, in `dataset.map`, on both backends and after a restart.
"""

import math
import numbers
import zlib

from keras import ops

from tfssl import replicas

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def _threefry(key, counter):
    """Threefry-2x32 with 20 rounds.

    Args:
        key, counter: pairs of uint32 tensors that broadcast.

    Returns:
        Pair of uint32 tensors.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """
    keys = (*key, ops.bitwise_xor(ops.bitwise_xor(*key), _word(_PARITY)))
    a, b = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for bits in _ROTATIONS[group % 2]:
            a = a + b
            b = ops.bitwise_xor(_rotate(b, bits), a)
        a = a + keys[(group + 1) % 3]
        b = b + keys[(group + 2) % 3] + _word(group + 1)
    return a, b


def _rotate(word, bits):
    return ops.bitwise_or(
        ops.bitwise_left_shift(word, _word(bits)),
        ops.bitwise_right_shift(word, _word(32 - bits)),
    )


def _word(number):
    return ops.cast(number, "uint32")


class RandomStream:
    """A sequence of random tensors that depends on a key and on nothing else.

    Each call draws new numbers. The stream counts calls in Python, so the calls of a
    traced function are numbered while it is traced.

    Args:
        key: int, or integer tensor of shape `[2]`.

    Example:
        >>> from tfssl.views import RandomStream
        >>> a, b = RandomStream(7), RandomStream(7)
        >>> float(a.uniform((1,))[0]) == float(b.uniform((1,))[0])
        True
        >>> float(a.uniform((1,))[0]) == float(RandomStream(7).uniform((1,))[0])
        False
    """

    def __init__(self, key):
        self.key = _as_key(key)
        self.draws = 0

    def uniform(self, shape, low=0.0, high=1.0):
        """Uniform numbers in `[low, high)`.

        Args:
            shape: tuple of ints; the first may be a scalar tensor.
            low, high: floats.

        Returns:
            float32 tensor.
        """
        self.draws += 1
        counter = self.counters(shape[0], math.prod(shape[1:]))
        bits, _ = _threefry(self.key, (_word(counter), _word(self.draws)))
        # 24 bits are what a float32 holds.
        unit = ops.cast(ops.bitwise_right_shift(bits, _word(8)), "float32") * 2.0**-24
        return ops.reshape(low + (high - low) * unit, shape)

    def counters(self, rows, columns):
        """What tells the numbers of a draw apart: an int32 for each of them."""
        return ops.arange(rows * columns, dtype="int32")


class RowStream(RandomStream):
    """The rows of some images out of the numbers that a whole batch draws.

    Args:
        stream: `RandomStream` of the whole batch; it is left as it is.
        rows: int32 tensor, the places of the images in the batch.
        count: int or scalar integer tensor, how many they are. Draws of another length
            are those of `stream`.
    """

    def __init__(self, stream, rows, count):
        self.key, self.draws = stream.key, stream.draws
        self.rows, self.count = rows, count

    def counters(self, rows, columns):
        # Of a batch of unknown size, both are tensors.
        known = [isinstance(each, int) for each in (rows, self.count)]
        if any(known) and not (all(known) and rows == self.count):
            return super().counters(rows, columns)
        numbers = self.rows[:, None] * columns + ops.arange(columns, dtype="int32")
        return ops.reshape(numbers, (-1,))


def row_numbers(places, copies):
    """Which rows of the numbers that a whole batch draws belong to a part of it.

    Args:
        places: pair of an int32 tensor `[batch]`, the places of the images in the whole
            batch, and an int or scalar integer tensor, how many it has.
        copies: int, rows of each image: one of all images, then the next.

    Returns:
        int32 tensor `[copies, batch]`.

    Example:
        >>> import numpy as np
        >>> from tfssl.views.random import row_numbers
        >>> np.asarray(row_numbers((np.array([2, 3], "int32"), 6), copies=2)).tolist()
        [[2, 3], [8, 9]]
    """
    own, count = places
    return count * ops.arange(copies, dtype="int32")[:, None] + own


class ReplicaStream(RandomStream):
    """Numbers with a row for each image: replicas draw together what one device draws.

    Args:
        key: as `RandomStream`, the same on all replicas.

    Example:
        >>> from tfssl.views import ReplicaStream
        >>> tuple(ReplicaStream(7).uniform((4, 2)).shape)
        (4, 2)
    """

    def uniform(self, shape, low=0.0, high=1.0):
        batch, *rest = shape
        everybody = super().uniform((batch * replicas.count(), *rest), low, high)
        return replicas.own(everybody)


def number_of(name):
    """A number for `fold_in` that stands for a name, the same in each process."""
    return zlib.crc32(name.encode())


def fold_in(key, number):
    """A new key for each number: of a replica, a step, a network.

    Args:
        key: int, or integer tensor of shape `[2]`.
        number: int or scalar integer tensor.

    Returns:
        int32 tensor of shape `[2]`.
    """
    words = _threefry(_as_key(key), (_word(number), _word(0)))
    return ops.cast(ops.stack(words), "int32")


def _as_key(key):
    if isinstance(key, numbers.Integral):
        key = int(key)
        return _word(key % 2**32), _word(key // 2**32 % 2**32)
    key = ops.convert_to_tensor(key)
    if tuple(key.shape) != (2,):
        raise ValueError(
            "A key is an int or an integer tensor of shape [2]. Received: "
            f"shape={tuple(key.shape)}"
        )
    key = ops.cast(key, "uint32")
    return key[0], key[1]

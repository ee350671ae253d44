"""Arrays that stay in their file until they are asked for."""

import contextlib
import math
import struct
import zipfile
import zlib

import numpy as np

from tfssl.zoo.errors import FormatError

_MAX_AXES = 16


class StoredArray:
    """An array of a file: shape and type at once, numbers by `numpy.asarray`.

    Args:
        shape: tuple of ints.
        dtype: NumPy type of the numbers.
        read: function of nothing that returns them, an array of this shape.
    """

    def __init__(self, shape, dtype, read):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._read = read

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._read(), dtype or self.dtype)

    def __repr__(self):
        return f"StoredArray(shape={self.shape}, dtype={self.dtype.name})"


class Storage:
    """Numbers in a row, of which arrays are views.

    Args:
        path: of the file, for messages.
        kind: NumPy type of the numbers, or "bfloat16".
        count: int, how many there are.
        read: function of nothing that returns their bytes.
    """

    def __init__(self, path, kind, count, read):
        self.path = path
        self.half = kind == "bfloat16"
        self.dtype = np.dtype("<u2" if self.half else kind)
        if not is_count(count):
            raise FormatError(f"a storage of {count!r} numbers")
        self.count = count
        self.nbytes = count * self.dtype.itemsize
        self._read = read

    def view(self, offset, shape, strides):
        """An array of the storage.

        Args:
            offset: int, its first number.
            shape, strides: sequences of ints; strides are counted in numbers.

        Raises:
            FormatError: for a view that leaves the storage, or is larger than it.
        """
        shape, strides = tuple(shape), tuple(strides)
        fits = (
            len(shape) == len(strides) <= _MAX_AXES
            and all(map(is_count, (offset, *shape, *strides)))
            and offset <= self.count
            and math.prod(shape) <= self.count
        )
        if fits and 0 not in shape:
            steps = zip(shape, strides, strict=True)
            fits = offset + sum((n - 1) * step for n, step in steps) < self.count
        if not fits:
            raise FormatError(
                f"an array with offset {offset}, shape {shape} and strides {strides} "
                f"in a storage of {self.count} numbers"
            )

        def read():
            with refused(self.path):
                return self._array(offset, shape, strides)

        return StoredArray(shape, "float32" if self.half else self.dtype, read)

    def _array(self, offset, shape, strides):
        content = self._read()
        if len(content) != self.nbytes:
            raise FormatError(f"{len(content)} bytes in place of {self.nbytes}")
        if 0 in shape:
            return np.zeros(shape, self.dtype)
        size = self.dtype.itemsize
        # NumPy checks once more that it is inside.
        array = np.ndarray(
            shape, self.dtype, content, offset * size, [step * size for step in strides]
        )
        if self.half:
            # The upper half of a float32.
            return (array.astype("<u4") << 16).view("<f4")
        return array.copy()


def is_count(x):
    """Whether something is a whole number from 0; True is none."""
    return type(x) is int and x >= 0


def content_at(path, place, count):
    """Bytes of a file, fewer if it ends before."""
    with open(path, "rb") as file:
        file.seek(place)
        return file.read(count)


@contextlib.contextmanager
def refused(path):
    """Within it, whatever a damaged file makes fail is a `FormatError`.

    Args:
        path: of the file, for the message.
    """
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise FormatError(
            f"{path} cannot be read: {error or type(error).__name__}"
        ) from error

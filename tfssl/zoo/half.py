"""Model files that hold their kernels in half precision, at half the size."""

import io
import zipfile

import h5py
import numpy as np

from tfssl.files import whole_file

_WEIGHTS = "model.weights.h5"


def as_half(array):
    """What of a weight is kept: kernels in half precision, vectors as they are.

    Scales, biases and moving statistics are few, and some of them small or large.

    Args:
        array: NumPy array.

    Returns:
        NumPy array, float16 for a float32 array of two or more axes.

    Raises:
        ValueError: for a kernel with a number that half precision cannot hold.

    Example:
        >>> import numpy as np
        >>> from tfssl.zoo.half import as_half
        >>> as_half(np.ones((2, 3), "float32")).dtype, as_half(np.ones(3)).dtype
        (dtype('float16'), dtype('float64'))
    """
    if array.ndim < 2 or array.dtype != np.float32:
        return array
    largest = np.abs(array).max(initial=0.0)
    if not largest <= np.finfo("float16").max:
        raise ValueError(
            f"Half precision holds numbers up to {np.finfo('float16').max}. Publish "
            f"this model without half. Received: a weight of {largest}"
        )
    return array.astype("float16")


def halve(path):
    """Keeps the kernels of a `.keras` file in half precision.

    `keras.saving.load_model` reads them into the float32 weights of the model.

    Args:
        path: string or `pathlib.Path` of a `.keras` file, which is replaced.

    Raises:
        ValueError: as `as_half`.
    """
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[_WEIGHTS] = _halved(parts[_WEIGHTS])
    with whole_file(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _halved(content):
    halved = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(halved, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name, node):
            if isinstance(node, h5py.Group):
                target = new.require_group(name)
            else:
                target = new.create_dataset(name, data=as_half(node[()]))
            target.attrs.update(node.attrs)

        old.visititems(copy)
    return halved.getvalue()

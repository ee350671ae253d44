"""The files of published models: the same weights make the same bytes."""

import io
import json
import zipfile

import h5py
import numpy as np

from tfssl.files import whole_file

_WEIGHTS = "model.weights.h5"
_METADATA = "metadata.json"


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
        >>> from tfssl.zoo.archive import as_half
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


def normalize(path, half=False):
    """Makes a `.keras` file one that only its model decides, without dates.

    So a model that is published again keeps its checksum.

    Args:
        path: string or `pathlib.Path` of a `.keras` file, which is replaced.
        half: bool, whether kernels are kept in half precision, at half the size.
            `keras.saving.load_model` reads them into the float32 weights of the model.
            Defaults to False.

    Raises:
        ValueError: as `as_half`.
    """
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(parts[_METADATA])
    metadata.pop("date_saved", None)
    parts[_METADATA] = json.dumps(metadata).encode()
    parts[_WEIGHTS] = _rewritten(parts[_WEIGHTS], as_half if half else np.asarray)
    with whole_file(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            # A ZipInfo has a date of its own, always the same.
            archive.writestr(zipfile.ZipInfo(name), content)


def _rewritten(content, kept):
    written = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(written, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name, node):
            if isinstance(node, h5py.Group):
                target = new.require_group(name)
            else:
                target = new.create_dataset(name, data=kept(node[()]))
            target.attrs.update(node.attrs)

        old.visititems(copy)
    return written.getvalue()

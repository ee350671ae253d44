"""What the file of a model asks for, before it gets any of it.

A file of a few kilobytes can describe arrays that no memory holds.
"""

import io
import json
import math
import os
import threading
import zipfile

import h5py
import keras

from tfssl.encoders.precision import float32_policy

_CONFIG = "config.json"
_WEIGHTS = "model.weights.h5"
_FLOOR = 2**28  # bytes that any file may ask for


def check_model_file(path):
    """Refuses a `.keras` file whose arrays are larger than the file can fill.

    Half precision is computed with in float32, so twice the file is what an honest one
    takes. The network is put together once without its weights, which makes loading
    slower by a third.

    Args:
        path: string or `pathlib.Path`.

    Raises:
        Exception: of many types, for what is no such file.
        ValueError: if it asks for too much.
    """
    most = 2 * os.path.getsize(path) + _FLOOR
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
        _check("unpacked, it", unpacked, most)
        # HDF5 jumps about in its file, which is slow within an archive.
        with h5py.File(io.BytesIO(archive.read(_WEIGHTS))) as weights:
            _check("the stored weights", _stored(weights), most)
        config = json.loads(archive.read(_CONFIG))
    _check("its network", _built(config), most)


def _check(what, asked, most):
    if asked > most:
        raise ValueError(
            f"{what} would take {asked:,} bytes, and a file of its size holds no more "
            f"than {most:,}"
        )


def _stored(weights):
    """Bytes of the arrays of an HDF5 file, none of which is read."""
    sizes = []

    def add(_, node):
        if isinstance(node, h5py.Dataset):
            sizes.append(math.prod(node.shape or ()) * node.dtype.itemsize)

    weights.visititems(add)
    return sum(sizes)


def _built(config):
    """Bytes of the weights of a model, none of which is made."""
    found = []

    def build():
        try:
            # Keras keeps what it does not initialise for later: for this thread alone.
            with keras.StatelessScope(initialize_variables=False), float32_policy():
                model = keras.saving.deserialize_keras_object(
                    {**config, "compile_config": None}, safe_mode=True
                )
                found.append(sum(math.prod(w.shape) * 4 for w in model.weights))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]

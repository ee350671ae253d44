"""Any checkpoint that can be read here, by what the file holds."""

import os
from pathlib import Path

from tfssl.zoo.checkpoints.safetensors_files import read_safetensors
from tfssl.zoo.checkpoints.stored import refused
from tfssl.zoo.checkpoints.tensorflow_files import read_tensorflow
from tfssl.zoo.checkpoints.torch_files import MAGIC, read_legacy, read_zip
from tfssl.zoo.errors import FormatError

_INDEX = ".index"


def read_checkpoint(path, inert=()):
    """What a checkpoint of PyTorch, safetensors or TensorFlow holds.

    Nothing that is in the file is run: of a pickle only containers, numbers, text and
    tensors are made, and a name of anything else is refused. Sizes, offsets and strides
    are checked against the file.

    Args:
        path: string or `pathlib.Path` of a file of `torch.save`, of both formats, or of
            safetensors; or of the `.index` of a TensorFlow checkpoint, with or without
            this ending.
        inert: sequence of names, such as "argparse.Namespace", of which a PyTorch file
            may have objects; each becomes an `Inert` that keeps nothing.

    Returns:
        The object of the file, dicts and lists, with a `StoredArray` in place of each
        tensor: it has a `shape` and a `dtype`, and `numpy.asarray` reads it. The file
        must stay where it is until then.

    Raises:
        tfssl.zoo.FormatError: for a damaged file, one of another format, or one that
            names something else than tensors need; it says what.

    Example:
        >>> import json, struct, tempfile
        >>> import numpy as np
        >>> from tfssl.zoo.checkpoints import read_checkpoint
        >>> entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        >>> header = json.dumps({"fc.bias": entry}).encode()
        >>> path = tempfile.mkdtemp() + "/model.safetensors"
        >>> with open(path, "wb") as file:
        ...     start = struct.pack("<Q", len(header)) + header
        ...     size = file.write(start + struct.pack("<2f", 1, 2))
        >>> np.asarray(read_checkpoint(path)["fc.bias"]).tolist()
        [1.0, 2.0]
    """
    path = os.fspath(path)
    prefix = path.removesuffix(_INDEX)
    if Path(prefix + _INDEX).exists():
        with refused(path):
            return read_tensorflow(prefix)
    with open(path, "rb") as file:
        start = file.read(len(MAGIC))
    with refused(path):
        if start.startswith(b"PK"):
            return read_zip(path, inert)
        if start == MAGIC:
            return read_legacy(path, inert)
        if start[8:9] == b"{":
            return read_safetensors(path)
        raise FormatError(
            "it is no file of torch.save or safetensors, and no index of a TensorFlow "
            "checkpoint"
        )

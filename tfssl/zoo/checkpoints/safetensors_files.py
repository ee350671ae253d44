"""Files of the safetensors format: a length, names and shapes as JSON, raw numbers."""

import json
import math
import os
import struct

from tfssl.zoo.checkpoints.stored import Storage, content_at, is_count
from tfssl.zoo.errors import FormatError

_MAX_HEADER = 64 * 2**20
_KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "bfloat16",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def read_safetensors(path):
    """Dict from names to `StoredArray`s.

    Args:
        path: string or `pathlib.Path`.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_MAX_HEADER, size - 8):
            raise FormatError(f"a header of {length} bytes")
        header = json.loads(file.read(length), object_pairs_hook=_without_twins)
    header.pop("__metadata__", None)
    place, arrays = 8 + length, {}
    for name, entry in sorted(header.items(), key=lambda e: e[1]["data_offsets"]):
        first, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if not all(map(is_count, (first, end, *shape))) or 8 + length + first != place:
            raise FormatError(f"{name} is not where the one before it ends")
        arrays[name], nbytes = _array(path, _KINDS[entry["dtype"]], shape, place)
        place += nbytes
        if nbytes != end - first or place > size:
            raise FormatError(f"{name} has another size than its shape")
    if place != size:
        raise FormatError(f"{size - place} bytes that belong to no array")
    return arrays


def _array(path, kind, shape, place):
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    storage = Storage(
        path, kind, math.prod(shape), lambda: content_at(path, place, storage.nbytes)
    )
    return storage.view(0, shape, strides), storage.nbytes


def _without_twins(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError("two entries of one name")
    return found

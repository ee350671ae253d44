"""PyTorch's checkpoint files: the zip format, and the one before version 1.6."""

import functools
import io
import os
import struct
import zipfile

from tfssl.zoo.checkpoints.pickles import MAX_PICKLE, Interpreter, Name
from tfssl.zoo.checkpoints.stored import Storage, StoredArray, content_at
from tfssl.zoo.errors import FormatError

# How a file of the old format begins: the pickle of a number.
MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
_PROTOCOL = 1001

_KINDS = {
    "Double": "<f8",
    "Float": "<f4",
    "Half": "<f2",
    "BFloat16": "bfloat16",
    "Long": "<i8",
    "Int": "<i4",
    "Short": "<i2",
    "Char": "i1",
    "Byte": "u1",
    "Bool": "?",
}
_STORAGES = {
    f"{module}.{name}Storage": kind
    for module in ("torch", "torch.cuda")
    for name, kind in _KINDS.items()
}


def read_zip(path, inert=()):
    """The object of a file of the zip format, with a `StoredArray` for each tensor.

    Args:
        path: string or `pathlib.Path`.
        inert: names whose objects are passed over.
    """
    archive = zipfile.ZipFile(path)
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) != len(archive.infolist()):
        raise FormatError("two entries of one name")
    size = os.path.getsize(path)
    for entry in entries.values():
        # PyTorch compresses nothing, so nothing can grow.
        plain = entry.compress_type == zipfile.ZIP_STORED
        if not plain or not entry.file_size == entry.compress_size <= size:
            raise FormatError(f"{entry.filename} is compressed")
    pickles = [name for name in entries if name.split("/")[1:] == ["data.pkl"]]
    if len(pickles) != 1:
        raise FormatError("a zip file without the data.pkl of PyTorch's checkpoints")
    root = pickles[0].partition("/")[0]
    if entries[pickles[0]].file_size > MAX_PICKLE:
        raise FormatError(f"a pickle of more than {MAX_PICKLE:,} bytes")
    order = f"{root}/byteorder"
    if order in entries and archive.read(order) != b"little":
        raise FormatError("numbers whose first byte is the highest")

    def storage(kind, key, count):
        name = f"{root}/data/{key}"
        found = Storage(path, kind, count, functools.partial(archive.read, name))
        if name not in entries or entries[name].file_size != found.nbytes:
            raise FormatError(f"{name} has not the {found.nbytes} bytes of its tensor")
        return found

    content = archive.read(pickles[0])
    return _interpreter(storage, inert).read(io.BytesIO(content))


def read_legacy(path, inert=()):
    """As `read_zip`, of a file of the format before version 1.6."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = io.BytesIO(file.read(MAX_PICKLE))
    stored, places = {}, {}

    def storage(kind, key, count):
        if key not in stored:
            stored[key] = Storage(
                path, kind, count, lambda: content_at(path, *places[key])
            )
        found = stored[key]
        if found.count != count:
            raise FormatError(f"two sizes of the storage {key}")
        return found

    plain = Interpreter()
    plain.read(start)
    if plain.read(start) != _PROTOCOL:
        raise FormatError("another version of PyTorch's old format")
    if plain.read(start).get("little_endian") is not True:
        raise FormatError("numbers whose first byte is the highest")
    content = _interpreter(storage, inert).read(start)
    keys = plain.read(start)
    if sorted(keys) != sorted(stored):
        raise FormatError("other storages than its tensors need")
    place = start.tell()
    with open(path, "rb") as file:
        for key in keys:
            file.seek(place)
            (count,) = struct.unpack("<q", file.read(8))
            places[key] = (place + 8, stored[key].nbytes)
            place += 8 + stored[key].nbytes
            if count != stored[key].count or place > size:
                raise FormatError(f"the storage {key} is cut short, or another one")
    return content


def _interpreter(storage, inert):
    """An interpreter of what PyTorch writes.

    Args:
        storage: function of kind, key and count that returns a `Storage`.
        inert: names whose objects are passed over.
    """

    def persistent(said):
        what, kind, key, _, count, *view = said
        if what != "storage" or not isinstance(kind, Name) or any(view):
            raise FormatError(f"an object outside of the pickle: {said!r}")
        return storage(_STORAGES[kind], key, count)

    calls = {
        "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_parameter": _parameter,
        "torch.Size": tuple,
    }
    return Interpreter(calls, _STORAGES, persistent, inert)


def _tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, Storage):
        raise FormatError("a tensor without a storage")
    return storage.view(offset, shape, strides)


def _parameter(tensor, *_):
    if not isinstance(tensor, StoredArray):
        raise FormatError("a parameter that is no tensor")
    return tensor

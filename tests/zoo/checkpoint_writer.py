"""Checkpoints as other libraries write them, byte by byte and without them."""

import json
import struct
import zipfile
from collections import OrderedDict

import numpy as np

STORAGES = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "u1": "Byte"}
_MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


class Global:
    """A name, and what it is called with and set to."""

    def __init__(self, name, arguments=None, state=None):
        self.name, self.arguments, self.state = name, arguments, state


class Tensor:
    """A view of a storage, for what is not a plain array."""

    def __init__(self, storage, offset, shape, strides):
        self.storage, self.view = storage, (offset, shape, strides)


class Pickler:
    """Bytes of objects, and the storages of their arrays in order."""

    def __init__(self, legacy=False):
        self.legacy = legacy
        self.storages = []

    def dump(self, x):
        return b"\x80\x02" + self._bytes(x) + b"."

    def _bytes(self, x):
        if x is None or isinstance(x, bool):
            return {None: b"N", True: b"\x88", False: b"\x89"}[x]
        if isinstance(x, int):
            return b"J" + struct.pack("<i", x)
        if isinstance(x, float):
            return b"G" + struct.pack(">d", x)
        if isinstance(x, str):
            return b"X" + struct.pack("<I", len(x.encode())) + x.encode()
        if isinstance(x, tuple):
            return b"(" + b"".join(map(self._bytes, x)) + b"t"
        if isinstance(x, list):
            return b"](" + b"".join(map(self._bytes, x)) + b"e"
        if isinstance(x, dict):
            made = b"}"
            if isinstance(x, OrderedDict):
                made = self._name("collections.OrderedDict") + b")R"
            items = [self._bytes(each) for pair in x.items() for each in pair]
            return made + b"(" + b"".join(items) + b"u"
        if isinstance(x, Global):
            return self._object(x)
        if isinstance(x, np.ndarray):
            count = [int(np.prod(x.shape[i + 1 :])) for i in range(x.ndim)]
            x = Tensor(x.reshape(-1), 0, x.shape, tuple(count))
        return self._tensor(x)

    def _name(self, name):
        module, _, rest = name.rpartition(".")
        return b"c" + f"{module}\n{rest}\n".encode()

    def _object(self, x):
        made = self._name(x.name)
        if x.arguments is not None:
            made += self._bytes(x.arguments) + b"R"
        if x.state is not None:
            made += self._bytes(x.state) + b"b"
        return made

    def _tensor(self, x):
        known = [i for i, each in enumerate(self.storages) if each is x.storage]
        key = known[0] if known else len(self.storages)
        if not known:
            self.storages.append(x.storage)
        kind = Global(f"torch.{STORAGES[x.storage.dtype.str[1:]]}Storage")
        said = ("storage", kind, str(key), "cpu", x.storage.size)
        said += (None,) if self.legacy else ()
        hooks = self._name("collections.OrderedDict") + b")R"
        arguments = b"(" + self._bytes(said) + b"Q"
        arguments += b"".join(map(self._bytes, x.view)) + b"\x89" + hooks + b"t"
        return self._name("torch._utils._rebuild_tensor_v2") + arguments + b"R"


def write_zip(path, content, root="archive", compression=zipfile.ZIP_STORED):
    """As `torch.save` writes it since 1.6."""
    pickler = Pickler()
    made = pickler.dump(content)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{root}/data.pkl", made)
        archive.writestr(f"{root}/byteorder", "little")
        for key, storage in enumerate(pickler.storages):
            archive.writestr(f"{root}/data/{key}", storage.tobytes())
        archive.writestr(f"{root}/version", "3\n")


def write_legacy(path, content):
    """As `torch.save` wrote it before 1.6."""
    pickler, plain = Pickler(legacy=True), Pickler()
    made = pickler.dump(content)
    keys = [str(key) for key in range(len(pickler.storages))]
    with open(path, "wb") as file:
        file.write(b"\x80\x02" + _MAGIC + b"." + plain.dump(1001))
        file.write(plain.dump({"protocol_version": 1001, "little_endian": True}))
        file.write(made + plain.dump(keys))
        for storage in pickler.storages:
            file.write(struct.pack("<q", storage.size) + storage.tobytes())


def write_safetensors(path, arrays, change=lambda header: header):
    """As safetensors does; `change` may spoil the header."""
    kinds = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "u1": "U8"}
    header, place = {"__metadata__": {"format": "pt"}}, 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": kinds[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [place, place + array.nbytes],
        }
        place += array.nbytes
    text = json.dumps(change(header)).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(array.tobytes())

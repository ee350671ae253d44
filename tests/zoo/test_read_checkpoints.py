"""Checkpoints are read to the last bit, or refused; nothing in them is run."""

import struct
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from checkpoint_writer import (
    Global,
    Pickler,
    Tensor,
    write_legacy,
    write_safetensors,
    write_zip,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfssl.zoo import FormatError
from tfssl.zoo.checkpoints import StoredArray, read_checkpoint

REFERENCES = Path(__file__).parents[1] / "references"
WRITERS = {"zip": write_zip, "legacy": write_legacy}
NAMESPACE = ["argparse.Namespace"]
formats = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def arrays():
    random = np.random.default_rng(0)
    return {
        "a": random.normal(size=(2, 3)).astype("<f4"),
        "b": random.integers(0, 9, 4),
        "c": np.zeros((0, 2), "<f8"),
    }


def state():
    return OrderedDict(arrays(), scalar=np.array(3.0))


def read(content):
    """All arrays of a checkpoint, by their place."""
    if isinstance(content, StoredArray):
        return np.asarray(content)
    if isinstance(content, dict):
        return {key: read(value) for key, value in content.items()}
    return [read(each) for each in content] if isinstance(content, list) else content


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_files_of_pytorch(kind):
    path = REFERENCES / f"torch_{kind}.pth"
    content = read_checkpoint(path, inert=NAMESPACE)
    assert (content["epoch"], content["rate"]) == (7, 0.5)
    with np.load(REFERENCES / "torch_files.npz") as expected:
        assert list(content["state"]) == list(expected)
        for name, array in expected.items():
            found = np.asarray(content["state"][name])
            assert found.shape == array.shape
            np.testing.assert_array_equal(found.astype("float32"), array)
    kinds = {name: str(array.dtype) for name, array in content["state"].items()}
    assert kinds["double"] == "float64" and kinds["bools"] == "bool"
    assert kinds["bfloat"] == "float32" and kinds["half"] == "float16"
    with pytest.raises(FormatError, match=r"names argparse.Namespace.*inert=\['argp"):
        read_checkpoint(path)


@formats
def test_what_is_written_by_hand(write, tmp_path):
    write(tmp_path / "a.pth", {"state_dict": state(), "epoch": 3, "best": [0.5, None]})
    content = read_checkpoint(tmp_path / "a.pth")
    assert_same(read(content["state_dict"]), state())
    assert (content["epoch"], content["best"]) == (3, [0.5, None])


def test_safetensors(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", arrays())
    assert_same(read(read_checkpoint(tmp_path / "a.safetensors")), arrays())


def test_tensorflow(tmp_path):
    tf = pytest.importorskip("tensorflow")
    root = tf.train.Checkpoint(kernel=tf.Variable([[1.0, 2.0]]))
    prefix = root.write(str(tmp_path / "model.ckpt-7"))
    name = "kernel/.ATTRIBUTES/VARIABLE_VALUE"
    for path in (prefix, f"{prefix}.index"):
        found = read_checkpoint(path)[name]
        assert (found.shape, found.dtype) == ((1, 2), np.float32)
        assert np.asarray(found).tolist() == [[1.0, 2.0]]
    data = tmp_path / "model.ckpt-7.data-00000-of-00001"
    data.write_bytes(b"")
    with pytest.raises(FormatError):
        np.asarray(read_checkpoint(prefix)[name])


@formats
@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "torch.load", "functools.partial"]
)
def test_a_foreign_name_is_refused(write, name, tmp_path):
    path = tmp_path / "a.pth"
    call = Global(name, (f"touch {tmp_path / 'ran'}",))
    write(path, {"state_dict": state(), "more": call})
    with pytest.raises(FormatError, match=f"{name}, which tensors do not need"):
        read_checkpoint(path)
    # Passed over, it is not run either.
    content = read_checkpoint(path, inert=[name])
    assert_same(read(content["state_dict"]), state())
    assert repr(content["more"]) == f"Inert('{name}')"
    assert [each.name for each in tmp_path.iterdir()] == ["a.pth"]


ROW = np.arange(6, dtype="<f4")


@formats
@pytest.mark.parametrize(
    "view, expected",
    [
        ((1, (2, 2), (2, 1)), [[1, 2], [3, 4]]),
        ((0, (3, 2), (1, 3)), [[0, 3], [1, 4], [2, 5]]),
        ((5, (1,), (9,)), [5]),
        ((6, (0, 3), (3, 1)), np.zeros((0, 3))),
        ((2, (3,), (0,)), [2, 2, 2]),
        ((6, (1,), (1,)), None),
        ((0, (7,), (1,)), None),
        ((0, (7,), (0,)), None),
        ((0, (2, 3), (4, 1)), None),
        ((-1, (2,), (1,)), None),
        ((3, (2,), (-1,)), None),
        ((0, (-2,), (1,)), None),
        ((0, (2, 2), (1,)), None),
        ((7, (0,), (1,)), None),
        ((True, (2,), (1,)), None),
        ((0, (1,) * 17, (1,) * 17), None),
    ],
)
def test_views_stay_within_their_storage(write, view, expected, tmp_path):
    write(tmp_path / "a.pth", [Tensor(ROW, *view)])
    if expected is None:
        with pytest.raises(FormatError, match="in a storage of 6 numbers"):
            read_checkpoint(tmp_path / "a.pth")
    else:
        (found,) = read_checkpoint(tmp_path / "a.pth")
        np.testing.assert_array_equal(np.asarray(found), expected)


def nested(depth):
    """A tuple of which the hash takes 2^depth steps."""
    return b"K\x01" + b"q\x00h\x00\x86" * depth


@pytest.mark.parametrize(
    "content, message",
    [
        (b"\x80\x02}" + nested(40) + b"K\x01s.", "key of type tuple"),
        (b"\x80\x02].", None),
        (b"\x80\x02a.", "more than there is"),
        (b"\x80\x02(0.", "step POP"),
        (b"\x80\x02K\x01K\x02.", "too many values"),
        (b"\x80\x02Q.", "more than there is"),
        (b"\x80\x02X\xff\xff\xff\xffabc.", "expected 4294967295 bytes"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "not enough data"),
        (b"\x80\x02r\xff\xff\xff\xff.", "out of range"),
        (b"\x80\x02](K\x01", "exhausted"),
        (b"\x80\x02}(K\x01u.", "zip"),
        (b"\x80\x02K\x01)R.", "calls 1"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls 'torch.FloatStorage'"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(KKKKtR.", "tensor"),
        (b"\x80\x02Nctorch\nSize\nK\x01K\x02\x86\x86Q.", "not enough values"),
        (b"\x80\x02" + b"]" * 20_000 + b"a" * 19_999 + b".", None),
    ],
)
def test_pickles_that_are_none(content, message, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("archive/data.pkl", content)
    if message is None:
        assert isinstance(read_checkpoint(tmp_path / "a.pth"), list)
    else:
        with pytest.raises(FormatError, match=message):
            read_checkpoint(tmp_path / "a.pth")


def test_zip_files_that_are_none(tmp_path):
    path = tmp_path / "a.pth"
    write_zip(path, state(), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="is compressed"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photos/1.jpg", "x")
    with pytest.raises(FormatError, match="without the data.pkl"):
        read_checkpoint(path)
    storage = ("storage", Global("torch.FloatStorage"), "0", "cpu", 9)
    content = Pickler()._bytes(storage)
    for short in (b"", b"x" * 35):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", b"\x80\x02" + content + b"Q.")
            if short:
                archive.writestr("a/data/0", short)
        with pytest.raises(FormatError, match="a/data/0 has not the 36 bytes"):
            read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/byteorder", "big")
    with pytest.raises(FormatError, match="first byte is the highest"):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n"])
def test_other_files(content, tmp_path):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FormatError, match="no file of torch.save or safetensors"):
        read_checkpoint(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "b")


def spoilt(**facts):
    def change(header):
        header["a"].update(facts)
        return header

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (spoilt(shape=[2, 4]), "another size than its shape"),
        (spoilt(shape=[2, -3]), "not where"),
        (spoilt(shape=[2, 3.0]), "not where"),
        (spoilt(data_offsets=[8, 32]), "not where"),
        (spoilt(data_offsets=[0, 2**60], shape=[2**58]), "another size"),
        (spoilt(dtype="F8"), "F8"),
        (lambda header: {}, "belong to no array"),
        (lambda header: [], "no file of"),
        (lambda header: {**header, "z": header["b"]}, "not where"),
    ],
)
def test_spoilt_safetensors(change, message, tmp_path):
    write_safetensors(tmp_path / "a", arrays(), change)
    with pytest.raises(FormatError, match=message):
        read_checkpoint(tmp_path / "a")


def test_a_safetensors_header_longer_than_the_file(tmp_path):
    (tmp_path / "a").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(FormatError, match="a header of"):
        read_checkpoint(tmp_path / "a")


def mutated(content, random):
    """A file with a byte changed, lost or doubled, or its end cut off."""
    content = bytearray(content)
    place = int(random.integers(len(content)))
    kind = random.integers(5)
    if kind == 0:
        content[place] ^= 1 << int(random.integers(8))
    elif kind == 1:
        content[place] = int(random.integers(256))
    elif kind == 2:
        del content[place : place + int(random.integers(1, 9))]
    elif kind == 3:
        content[place:place] = content[place : place + int(random.integers(1, 9))]
    else:
        del content[place:]
    return bytes(content)


def write_arrays(path, content):
    write_safetensors(path, content["state_dict"])


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_mutated_files_are_read_or_refused(kind, tmp_path):
    path = tmp_path / "a"
    expected = {"state_dict": OrderedDict(arrays()), "epoch": 3}
    {**WRITERS, "safetensors": write_arrays}[kind](path, expected)
    content = path.read_bytes()
    random, refused = np.random.default_rng(0), 0
    for _ in range(200):
        path.write_bytes(mutated(content, random))
        try:
            # Nothing but a FormatError leaves the reader.
            found = read(read_checkpoint(path))
        except FormatError:
            refused += 1
            continue
        if kind == "zip":
            # It has checksums: what is read is what was written.
            assert found["epoch"] == 3
            assert_same(found["state_dict"], expected["state_dict"])
    assert refused > 50


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(
    arrays=st.dictionaries(
        st.text(min_size=1, max_size=20),
        hnp.arrays(
            st.sampled_from(["<f4", "<i8", "<f2"]), hnp.array_shapes(max_dims=3)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_arrays_are_read_as_they_were_written(arrays):
    with tempfile.TemporaryDirectory() as folder:
        write_safetensors(Path(folder) / "a", arrays)
        found = read_checkpoint(Path(folder) / "a")
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(np.asarray(found[name]), array)

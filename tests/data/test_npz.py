import zipfile

import numpy as np
import pytest

from tfssl.data import load, storage

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 8, 8, 3), np.uint8)


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "set.npz", **arrays)
        return f"npz:{tmp_path / 'set.npz'}"

    return save


def test_images_and_labels_of_both_splits(save):
    name = save(x_train=RGB, y_train=np.arange(6), x_test=RGB[:2], y_test=[[3], [4]])
    train, test = load(name), load(name, "test")
    np.testing.assert_array_equal(train.images, RGB)
    np.testing.assert_array_equal(train.labels, np.arange(6))
    np.testing.assert_array_equal(test.labels, [3, 4])
    assert test.labels.dtype == np.int64
    assert train.class_names is None


def test_without_labels(save):
    assert load(save(x_train=RGB)).labels is None


def test_grey_floats_are_rounded_and_repeated(save):
    grey = np.array([[[0.2, 254.6]]])
    images = load(save(x_train=grey)).images
    np.testing.assert_array_equal(images, [[[[0] * 3, [255] * 3]]])


def test_resized(save):
    assert load(save(x_train=RGB), image_size=4).images.shape == (6, 4, 4, 3)


def test_large_sets_are_mapped(save, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MEMORY_LIMIT", 100)
    images = load(save(x_train=RGB), cache_dir=tmp_path).images
    assert isinstance(images, np.memmap)
    np.testing.assert_array_equal(images, RGB)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"images": RGB}, "no array x_train. It has: images"),
        ({"x_train": RGB / 255.0}, "multiply them by 255"),
        ({"x_train": RGB * 2.0}, r"in \[0, 255\]"),
        ({"x_train": RGB - 1.0}, r"in \[0, 255\]"),
        ({"x_train": np.full((1, 2, 2), np.nan)}, r"in \[0, 255\]"),
        ({"x_train": RGB[..., :2]}, "Received: shape"),
        ({"x_train": RGB[:0]}, "at least one image"),
        ({"x_train": RGB > 9}, "dtype bool"),
        ({"x_train": RGB.astype(object)}, "numbers, not of objects"),
        ({"x_train": RGB, "y_train": np.arange(5)}, "has 6 images.*shape \\(5,\\)"),
        ({"x_train": RGB, "y_train": np.eye(6)}, "shape \\(6, 6\\)"),
    ],
)
def test_says_what_is_wrong(save, arrays, message):
    with pytest.raises(ValueError, match=message):
        load(save(**arrays))


def test_a_missing_split_lists_the_others(save):
    with pytest.raises(ValueError, match="no split 'test'. It has: train"):
        load(save(x_train=RGB), "test")


def test_files_that_are_missing_or_something_else(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        load(f"npz:{tmp_path}/none.npz")
    (tmp_path / "junk.npz").write_bytes(b"junk")
    with pytest.raises(ValueError, match="not an npz file"):
        load(f"npz:{tmp_path}/junk.npz")


def archive(path, header):
    """An npz file whose x_train has any header, and no numbers."""
    with zipfile.ZipFile(path, "w") as file:
        start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        file.writestr("x_train.npy", start + header)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (9"
        + b"0" * 14
        + b", 4, 4)}",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (9"
        + b"0" * 30
        + b", 4, 4)}",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 4, 4)",
        b"(" * 5000,
    ],
    ids=["terabytes", "no-number", "unfinished", "nested"],
)
def test_headers_of_arrays_that_are_none(tmp_path, header):
    archive(tmp_path / "a.npz", header)
    with pytest.raises(ValueError, match="a.npz cannot be read"):
        load(f"npz:{tmp_path / 'a.npz'}")


def test_members_that_are_no_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x_train.npy", b"words")
    with pytest.raises(ValueError, match="a.npz cannot be read .x_train is no array"):
        load(f"npz:{tmp_path / 'a.npz'}")


def test_a_damaged_stream(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x_train=RGB)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[60:200] = b"\xff" * 140
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match="a.npz cannot be read"):
        load(f"npz:{tmp_path / 'a.npz'}")

"""A stream gives what a set in memory gives, and holds nothing."""

import logging
import os

import keras
import numpy as np
import pytest
from cases import make
from PIL import Image

from tfssl import transfer
from tfssl.data import CorruptImagesError, load, storage, stream
from tfssl.training import StreamedImages


def write(path, i, **options):
    random = np.random.default_rng(i)
    coarse = Image.fromarray(random.integers(0, 256, (5, 5, 3), np.uint8))
    size = tuple(int(x) for x in random.integers(17, 60, 2))
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse.resize(size, Image.Resampling.BICUBIC).save(path, **options)


@pytest.fixture
def photos(tmp_path):
    """40 photographs of many sizes and two classes, and ten to test."""
    for i in range(50):
        split, name = ("train", "test")[i >= 40], "ab"[i % 2]
        ending = ("jpg", "png", "webp")[i % 3]
        write(tmp_path / split / name / f"{i:02}.{ending}", i)
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """How many images each read of a stream gave."""
    from tfssl.data.image_files import ImageFiles

    counts, read = [], ImageFiles.read

    def counted(self, rows):
        counts.append(len(rows))
        return read(self, rows)

    monkeypatch.setattr(ImageFiles, "read", counted)
    return counts


def test_a_stream_is_the_set_in_memory(photos, reads):
    name = f"folder:{photos}"
    for split in ("train", "test"):
        kept = load(name, split, image_size=16)
        read = load(name, split, image_size=16, stream=True)
        assert isinstance(read.images, StreamedImages) and reads == []
        assert repr(read) == repr(kept) and read.paths == kept.paths
        np.testing.assert_array_equal(read.labels, kept.labels)
        np.testing.assert_array_equal(read.images[:], kept.images)
        reads.clear()
    # Of a set that is divided, too.
    parts = [
        load(
            f"folder:{photos / 'train'}",
            "test",
            image_size=8,
            test_fraction=0.2,
            stream=s,
        )
        for s in (True, False)
    ]
    np.testing.assert_array_equal(parts[0].images[:], parts[1].images)
    assert len(parts[0]) == 8


def test_batches_of_a_stream(photos, reads):
    from tfssl.data import Batches

    name = f"folder:{photos}"
    batches = stream(
        name, image_size=16, batch_size=12, seed=3, epoch=1, start=1, with_labels=True
    )
    data = load(name, image_size=16)
    expected = Batches(
        data.images, data.labels, batch_size=12, seed=3, epoch=1, start=1
    )
    for a, b in zip(batches, expected, strict=True):
        keras.tree.map_structure(np.testing.assert_array_equal, a, b)
    assert reads == [12, 12]
    assert batches.data.class_names == ("a", "b") and len(batches) == 3
    indexed = stream(name, batch_size=4, image_size=8, with_index=True)[0]
    assert sorted(indexed) == ["images", "index"] and len(indexed["index"]) == 4


def test_features_hold_no_more_than_a_batch(photos, reads, tmp_path):
    network = transfer.pixels(16)
    kept = load(f"folder:{photos}", image_size=24).images
    read = load(f"folder:{photos}", image_size=24, stream=True).images
    expected = transfer.features(network, kept, batch_size=7)
    np.testing.assert_array_equal(
        transfer.features(network, read, batch_size=7), expected
    )
    assert max(reads) <= 7
    some = read.subset([9, 3, 30])
    np.testing.assert_allclose(
        transfer.features(network, some), expected[[9, 3, 30]], atol=1e-4
    )


def test_kept_features_of_files_are_found_without_reading_them(photos, reads, tmp_path):
    network, folder = transfer.pixels(16), tmp_path / "features"

    def kept():
        read = load(f"folder:{photos}", image_size=24, stream=True).images
        return transfer.kept_features(network, read, folder)

    found = kept()
    reads.clear()
    np.testing.assert_array_equal(kept(), found)
    assert not reads
    # A file that was written since is another image.
    os.utime(load(f"folder:{photos}", image_size=24).paths[0], ns=(1, 1))
    kept()
    assert reads and len(list(folder.iterdir())) == 2


def test_knn_while_it_trains(photos, reads):
    """The nearest to each image of a stream is the same one in memory."""
    kept, read = (
        load(f"folder:{photos}", image_size=16, stream=streamed).images
        for streamed in (False, True)
    )
    # Each is a class of its own.
    classes = np.arange(40)
    for bank, queries in ((read, kept), (kept, read)):
        callback = transfer.KNNCallback((bank, classes), (queries, classes), k=1)
        callback.set_model(transfer.pixels(16))
        callback.set_params({"epochs": 1})
        reads.clear()
        callback.on_train_begin()
        assert 0 < max(reads) <= 8
        logs = {}
        callback.on_epoch_end(0, logs)
        assert logs["knn_accuracy"] == 1


def test_in_the_place_of_a_corrupt_file_stands_the_next_of_its_class(photos, caplog):
    name = f"folder:{photos}"
    whole = load(name, image_size=16)
    files = [path.rpartition("/")[2] for path in whole.paths]
    # The last of a, and two in a row of b.
    bad = ["38", "01", "03"]
    rows = [next(i for i, f in enumerate(files) if f.startswith(b)) for b in bad]
    for row in rows:
        with open(whole.paths[row], "wb") as file:
            file.write(b"no image")
    stands_in = {rows[0]: 0, rows[1]: rows[1] + 2, rows[2]: rows[2] + 1}
    assert rows[2] == rows[1] + 1 and whole.labels[rows[0]] == 0
    expected = whole.images.copy()
    for row, other in stands_in.items():
        assert whole.labels[row] == whole.labels[other]
        expected[row] = whole.images[other]
    for order in (np.arange(40), np.arange(40)[::-1]):
        images = load(name, image_size=16, stream=True, max_corrupt=0.1).images
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            np.testing.assert_array_equal(images[order], expected[order])
            np.testing.assert_array_equal(images[order], expected[order])
        # Each is named once.
        assert len(caplog.records) == len(images.corrupt) == 3
        assert "not a JPEG" in caplog.text


def test_a_table_may_name_some_of_the_images(photos):
    table = photos / "labels.csv"
    table.write_text("file,label\n00.jpg,a\n03.jpg,b")
    options = {"labels": table, "image_size": 16, "batch_size": 2}
    with pytest.raises(ValueError, match='unlabelled="leave_out", or all.*"keep"'):
        stream(f"folder:{photos}", **options)
    for unlabelled, count in (("leave_out", 2), ("keep", 40)):
        batches = stream(f"folder:{photos}", unlabelled=unlabelled, **options)
        assert len(batches.data) == count
        assert sorted(batches.data.labels)[-2:] == [0, 1]


@pytest.mark.usefixtures("eager")
def test_one_corrupt_file_too_many_ends_the_run(photos):
    batches = stream(f"folder:{photos}", image_size=16, batch_size=8, max_corrupt=0.05)
    # Two of 40 may be; these are not in the first batch, which is looked at before.
    order = np.random.default_rng([0, 0]).permutation(40)
    for row in order[-3:]:
        with open(batches.data.paths[row], "wb") as file:
            file.write(b"no image")
    watched = np.asarray(batches.images[:8])
    assert watched.shape == (8, 16, 16, 3)
    model = make("simclr")
    with pytest.raises(
        CorruptImagesError, match="3 of the 40.*max_corrupt=0.05"
    ) as told:
        model.fit(batches, verbose=0)
    assert len(told.value.files) == 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "digits"}, "digits is not streamed.*Load it without stream"),
        ({"name": "npz:a.npz"}, "npz:a.npz is not streamed"),
        ({"batch_size": 41}, "40 images do not fill one batch of 41"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"image_size": (32, 64)}, r"a whole number.*image_size=\(32, 64\)"),
        ({"image_size": 0}, "image_size=0"),
        ({"split": "validation"}, "no split 'validation'"),
        ({"max_corrupt": 2}, "is a fraction"),
        ({"seed": -1}, "seed=-1"),
        ({"with_labels": True, "with_index": True}, "labels or an index"),
    ],
)
def test_what_cannot_be_streamed_is_refused(photos, arguments, message):
    given = {"name": f"folder:{photos}", "batch_size": 4, "image_size": 8}
    with pytest.raises(ValueError, match=message):
        stream(**{**given, **arguments})


def test_a_folder_without_images_or_labels_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no images in"):
        stream(f"folder:{tmp_path}", batch_size=1)
    with pytest.raises(FileNotFoundError, match="no folder"):
        stream(f"folder:{tmp_path / 'none'}", batch_size=1)
    write(tmp_path / "0.png", 0)
    with pytest.raises(ValueError, match="has no labels"):
        stream(f"folder:{tmp_path}", batch_size=1, with_labels=True)
    with pytest.raises(ValueError, match='stream is True, False or "auto"'):
        load(f"folder:{tmp_path}", stream="yes")


def test_large_sets_are_streamed_by_themselves(photos, monkeypatch):
    name = f"folder:{photos}"
    bytes_of_16 = 40 * 16 * 16 * 3
    monkeypatch.setattr(storage, "STREAM_ABOVE", bytes_of_16)
    for size, streamed in ((16, False), (17, True)):
        images = load(name, image_size=size, stream="auto").images
        assert isinstance(images, StreamedImages) == streamed
        assert not isinstance(load(name, image_size=size).images, StreamedImages)
    assert len(load("digits", image_size=64, stream="auto")) == 1297


def test_the_flag_says_above_which_size():
    from programs import ROOT

    said = (ROOT / "scripts" / "common.py").read_text()
    assert f"more than {storage.STREAM_ABOVE:,} bytes" in said

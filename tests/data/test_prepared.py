"""The real code path of tensorflow-datasets, on tiny sets made here."""

import socket

import numpy as np
import pytest

from tfssl.data import load, storage
from tfssl.training import StreamedImages

tfds = pytest.importorskip("tensorflow_datasets")

RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (7, 8, 8, 3), np.uint8)
LABELS = [2, 0, 1, 2, 0, 1, 1]


def define(set_name, splits, features, registered):
    """The class of a set with `{split: list of examples}`, `{name: feature}`."""

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=not registered):
        name = set_name
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            described = tfds.features.FeaturesDict(features)
            return tfds.core.DatasetInfo(builder=self, features=described)

        def _split_generators(self, manager):
            return {split: enumerate(rows) for split, rows in splits.items()}

        def _generate_examples(self):
            raise NotImplementedError("the splits hold their examples already")

    return Builder


def prepare(folder, set_name, splits, features, **options):
    """Writes a set to `folder`, as `tfds build` would.

    The set is not registered: it is found by its files, like one that was copied.
    """
    builder = define(set_name, splits, features, registered=False)
    builder(data_dir=folder, **options).download_and_prepare()


def image(shape=(8, 8, 3), **options):
    return tfds.features.Image(shape=shape, encoding_format="png", **options)


def by_content(images):
    flat = images.reshape(len(images), -1)
    return images[np.lexsort(flat.T)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    label = tfds.features.ClassLabel(names=["cat", "dog", "owl"])
    rows = [{"image": x, "label": y} for x, y in zip(PHOTOS, LABELS, strict=True)]
    prepare(
        folder,
        "tiny",
        {"train": rows[:5], "validation": rows[5:]},
        {"image": image(), "label": label},
    )
    sizes = [(8, 8), (12, 6), (6, 20)]
    various = [{"image": RNG.integers(0, 256, (*s, 3), np.uint8)} for s in sizes]
    same = [{"image": x} for x in PHOTOS[:, :, :5]]
    prepare(
        folder,
        "various",
        {"train": various, "same": same},
        {"image": image((None, None, 3))},
    )
    grey = [{"image": x[..., :1], "label": -1} for x in PHOTOS]
    prepare(
        folder,
        "grey",
        {"train": grey},
        {"image": image((8, 8, 1)), "label": tfds.features.Scalar(np.int64)},
    )
    whole = {"id": tfds.features.Text(), "image": image(), "label": label}
    named = [{"id": str(n), **row} for n, row in enumerate(rows)]
    prepare(folder, "named", {"train": named}, whole)
    # As many places as the image's number: they fill no batch.
    places = {"places": tfds.features.Sequence(np.int64), **whole}
    counted = [{"places": list(range(n)), **row} for n, row in enumerate(named)]
    prepare(folder, "counted", {"train": counted}, places)
    prepare(folder, "text", {"train": [{"text": "a"}]}, {"text": tfds.features.Text()})
    return folder


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError(f"touched the network: {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_prepared_set_is_read_as_it_is_and_offline(data_dir, no_network):
    train = load("tfds:tiny", data_dir=data_dir)
    assert train.class_names == ("cat", "dog", "owl")
    assert (train.name, train.split) == ("tfds:tiny", "train")
    np.testing.assert_array_equal(by_content(train.images), by_content(PHOTOS[:5]))
    rows = [(PHOTOS == x).all((1, 2, 3)).argmax() for x in train.images]
    np.testing.assert_array_equal(train.labels, np.array(LABELS)[rows])
    again = load("tfds:tiny:1.0.0", data_dir=str(data_dir))
    np.testing.assert_array_equal(again.images, train.images)


@pytest.mark.parametrize("name", ["named", "counted"])
def test_other_features_are_left_out(data_dir, name):
    train = load(f"tfds:{name}", data_dir=data_dir)
    np.testing.assert_array_equal(by_content(train.images), by_content(PHOTOS))
    rows = [(PHOTOS == x).all((1, 2, 3)).argmax() for x in train.images]
    np.testing.assert_array_equal(train.labels, np.array(LABELS)[rows])


def test_splits_are_named_never_guessed(data_dir):
    assert len(load("tfds:tiny", "validation", data_dir=data_dir)) == 2
    assert len(load("tfds:tiny", "train[:40%]", data_dir=data_dir)) == 2
    with pytest.raises(ValueError, match="no split 'test'. It has: train, validation"):
        load("tfds:tiny", "test", data_dir=data_dir)


def test_a_test_split_of_a_set_without(data_dir):
    whole = load("tfds:tiny", data_dir=data_dir)
    train, test = (
        load("tfds:tiny", split, data_dir=data_dir, test_fraction=0.4)
        for split in ("train", "test")
    )
    # Classes of 2, 1 and 2 images: one of each of the two.
    np.testing.assert_array_equal(np.sort(test.labels), [0, 2])
    assert (train.split, test.split) == ("train", "test")
    both = np.concatenate([train.images, test.images])
    np.testing.assert_array_equal(by_content(both), by_content(whole.images))
    again = load("tfds:tiny", "test", data_dir=data_dir, test_fraction=0.4)
    np.testing.assert_array_equal(again.images, test.images)
    with pytest.raises(ValueError, match=r"into 'train' and 'test'. .*'train\[:40%\]'"):
        load("tfds:tiny", "train[:40%]", data_dir=data_dir, test_fraction=0.4)


def test_resized_when_asked(data_dir):
    assert load("tfds:tiny", image_size=4, data_dir=data_dir).images.shape[1:3] == (
        4,
        4,
    )


def test_images_of_various_sizes_become_squares(data_dir):
    data = load("tfds:various", image_size=6, data_dir=data_dir)
    assert data.images.shape == (3, 6, 6, 3) and data.labels is None
    assert load("tfds:various", data_dir=data_dir).images.shape == (3, 256, 256, 3)


def test_images_of_one_undeclared_size_keep_it(data_dir):
    images = load("tfds:various", "same", data_dir=data_dir).images
    np.testing.assert_array_equal(by_content(images), by_content(PHOTOS[:, :, :5]))


def test_grey_is_repeated_and_hidden_labels_are_none(data_dir):
    data = load("tfds:grey", data_dir=data_dir)
    np.testing.assert_array_equal(
        by_content(data.images), by_content(np.repeat(PHOTOS[..., :1], 3, -1))
    )
    assert data.labels is None and data.class_names is None


def test_large_sets_are_mapped(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MEMORY_LIMIT", 100)
    images = load("tfds:tiny", data_dir=data_dir, cache_dir=tmp_path).images
    assert isinstance(images, np.memmap)
    np.testing.assert_array_equal(by_content(images), by_content(PHOTOS[:5]))


def test_a_set_that_is_not_prepared_is_prepared(tmp_path, caplog):
    rows = [{"image": x} for x in PHOTOS]
    define("unprepared", {"train": rows}, {"image": image()}, registered=True)
    data = load("tfds:unprepared", data_dir=tmp_path)
    np.testing.assert_array_equal(by_content(data.images), by_content(PHOTOS))
    assert (tmp_path / "unprepared" / "1.0.0").is_dir()
    assert "unprepared is not prepared in" in caplog.text


def test_says_what_is_wrong(data_dir):
    with pytest.raises(ValueError, match="no set 'cifar11'.*Did you mean .*cifar10"):
        load("tfds:cifar11", data_dir=data_dir)
    with pytest.raises(ValueError, match="tfds:text has no image feature"):
        load("tfds:text", data_dir=data_dir)


def test_a_set_without_images_is_refused_before_its_download(
    tmp_path, no_network, monkeypatch
):
    def download(self, **options):
        raise AssertionError("asked for a download")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", download)
    features = {"text": tfds.features.Text()}
    define("letters", {"train": [{"text": "a"}]}, features, registered=True)
    with pytest.raises(ValueError, match="(?s)tfds:letters has no image feature.*Text"):
        load("tfds:letters", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_set_that_cannot_be_prepared_says_how_to(tmp_path, monkeypatch):
    def fail(self, **options):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(FileNotFoundError, match="tfds build mnist --data_dir") as e:
        load("tfds:mnist", data_dir=tmp_path)
    assert "no route to host" in str(e.value) and str(tmp_path) in str(e.value)


def test_records_are_streamed(tmp_path):
    pytest.importorskip("array_record")
    features = {
        "image": image(),
        "label": tfds.features.ClassLabel(names=["cat", "dog", "owl"]),
        "id": tfds.features.Text(),
    }
    rows = [
        {"image": x, "label": y, "id": str(y)}
        for x, y in zip(PHOTOS, LABELS, strict=True)
    ]
    prepare(tmp_path, "records", {"train": rows}, features, file_format="array_record")
    for arguments in ({}, {"image_size": 4}, {"split": "test", "test_fraction": 0.4}):
        kept, read = (
            load("tfds:records", data_dir=tmp_path, stream=stream, **arguments)
            for stream in (False, True)
        )
        assert repr(kept) == repr(read) and kept.class_names == read.class_names
        assert isinstance(read.images, StreamedImages)
        np.testing.assert_array_equal(read.labels, kept.labels)
        np.testing.assert_array_equal(read.images[:], kept.images)
        np.testing.assert_array_equal(read.images[[1, 0]], kept.images[[1, 0]])
        assert isinstance(kept.images, np.ndarray)
    read = load("tfds:records", data_dir=tmp_path, stream=True)
    np.testing.assert_array_equal(by_content(read.images[:]), by_content(PHOTOS))
    label_of = {x.tobytes(): y for x, y in zip(PHOTOS, LABELS, strict=True)}
    assert [label_of[x.tobytes()] for x in read.images] == read.labels.tolist()


def test_shards_are_read_one_after_the_other(tmp_path):
    """In memory as when they are streamed, so that both divide them alike."""
    images = np.random.default_rng(1).integers(0, 256, (80, 4, 4, 3), np.uint8)
    builder = define(
        "shards",
        {"train": [{"image": x} for x in images]},
        {"image": image((4, 4, 3))},
        False,
    )(data_dir=tmp_path)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(num_shards=2)
    )
    shards = [
        load("tfds:shards", f"train[{part}]", data_dir=tmp_path).images
        for part in (":1shard", "1shard:")
    ]
    assert min(map(len, shards)) > 16
    kept = load("tfds:shards", data_dir=tmp_path).images
    np.testing.assert_array_equal(kept, np.concatenate(shards))


def test_files_that_are_read_from_their_start_are_not_streamed(data_dir, monkeypatch):
    with pytest.raises(ValueError, match="not streamed.*tfds convert_format"):
        load("tfds:tiny", data_dir=data_dir, stream=True)
    # By itself it is loaded as it can be.
    monkeypatch.setattr(storage, "STREAM_ABOVE", 1)
    images = load("tfds:tiny", data_dir=data_dir, stream="auto").images
    assert isinstance(images, np.ndarray)

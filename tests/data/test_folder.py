import logging
import os
import re

import numpy as np
import pytest
from PIL import Image

from tfssl.data import CorruptImagesError, folder, load, load_image, storage


def photo(rng, mode="RGB"):
    """A smooth random texture of a random size and aspect."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (6, 6) if channels == 1 else (6, 6, channels)
    coarse = Image.fromarray(rng.integers(0, 256, shape, np.uint8))
    width, height = rng.integers(40, 120, 2)
    return coarse.resize((int(width), int(height)), Image.Resampling.BICUBIC)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.fixture
def photos(tmp_path):
    """200 photographs, one of them grey and one with transparency."""
    rng = np.random.default_rng(0)
    for i in range(198):
        write(tmp_path / f"{i:03}.{['jpg', 'png', 'bmp', 'JPEG'][i % 4]}", photo(rng))
    write(tmp_path / "grey.jpg", photo(rng, "L"))
    write(tmp_path / "transparent.png", photo(rng, "RGBA"))
    return tmp_path


def test_one_corrupt_photograph_of_200_is_named_and_skipped(photos, caplog):
    truncate(photos / "100.jpg")
    with caplog.at_level(logging.WARNING):
        data = load(f"folder:{photos}", image_size=32)
    assert data.images.shape == (199, 32, 32, 3)
    assert data.labels is None and data.class_names is None
    assert data.skipped == ("100.jpg",)
    (record,) = caplog.records
    assert "1 of the 200 images" in record.getMessage()
    assert re.search("100.jpg: .*truncated", record.getMessage(), re.IGNORECASE)


def test_rows_stay_in_order_when_some_are_skipped(photos):
    whole = load(f"folder:{photos}", image_size=16).images
    truncate(photos / "000.jpg")
    truncate(photos / "101.png")
    data = load(f"folder:{photos}", image_size=16, max_corrupt=0.01)
    np.testing.assert_array_equal(data.images, np.delete(whole, [0, 101], axis=0))


def test_ten_corrupt_photographs_of_200_are_refused_by_name(photos):
    bad = [f"{i:03}.jpg" for i in range(0, 40, 4)]
    for name in bad:
        truncate(photos / name)
    with pytest.raises(
        CorruptImagesError, match="10 of the 200.*max_corrupt=0.01"
    ) as e:
        load(f"folder:{photos}", image_size=32)
    assert isinstance(e.value, ValueError)
    assert list(e.value.files) == bad
    assert all(name in str(e.value) for name in bad)
    assert len(load(f"folder:{photos}", image_size=32, max_corrupt=0.05)) == 190
    with pytest.raises(CorruptImagesError):
        load(f"folder:{photos}", image_size=32, max_corrupt=0.049)


def test_a_folder_of_nothing_but_corrupt_files_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(CorruptImagesError, match="a.jpg: not a JPEG"):
        load(f"folder:{tmp_path}", max_corrupt=1.0)


@pytest.fixture
def classes(tmp_path):
    """Two classes in train, one of them in test, with things to ignore."""
    for split, name, colour in [
        ("train", "b/deep", "red"),
        ("train", "a", "lime"),
        ("test", "b", "blue"),
    ]:
        write(tmp_path / split / name / "0.PNG", Image.new("RGB", (9, 9), colour))
    (tmp_path / "train" / "a" / "notes.txt").write_text("ignored")
    (tmp_path / "train" / "a" / "._0.png").write_bytes(b"ignored")
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / "empty").mkdir()
    return tmp_path


def test_a_label_means_the_same_class_in_both_splits(classes):
    train = load(f"folder:{classes}", image_size=4)
    test = load(f"folder:{classes}", "test", image_size=4)
    assert train.class_names == test.class_names == ("a", "b")
    np.testing.assert_array_equal(train.labels, [0, 1])
    np.testing.assert_array_equal(test.labels, [1])
    np.testing.assert_array_equal(train.images[:, 0, 0], [[0, 255, 0], [255, 0, 0]])


def test_labels_follow_the_images_that_are_kept(classes):
    (classes / "train" / "a" / "1.gif").write_bytes(b"")
    data = load(f"folder:{classes}", image_size=4, max_corrupt=0.5)
    assert data.skipped == (os.path.join("train", "a", "1.gif"),)
    np.testing.assert_array_equal(data.labels, [0, 1])


def test_classes_without_splits_and_the_default_size(classes):
    data = load(f"folder:{classes / 'train'}")
    assert data.images.shape == (2, 256, 256, 3)
    assert data.class_names == ("a", "b")
    with pytest.raises(ValueError, match="no split 'test'. It has: train.*would stand"):
        load(f"folder:{classes / 'train'}", "test")


def test_flat_splits(photos):
    write(photos / "train" / "0.png", Image.new("RGB", (9, 9)))
    data = load(f"folder:{photos}", image_size=4)
    assert data.images.shape == (1, 4, 4, 3) and data.labels is None


def test_images_beside_class_folders_are_ambiguous(photos):
    write(photos / "cats" / "0.png", Image.new("RGB", (9, 9)))
    with pytest.raises(ValueError, match="both images .* and folders of images"):
        load(f"folder:{photos}")


def test_a_folder_without_images_says_what_it_found(tmp_path):
    with pytest.raises(ValueError, match="no images in .*found nothing"):
        load(f"folder:{tmp_path}")
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match=r"Looked for .jpg, .*found 1 \.mp4\."):
        load(f"folder:{tmp_path}")
    with pytest.raises(FileNotFoundError, match="no folder"):
        load(f"folder:{tmp_path}/none")


def test_large_sets_are_mapped(photos, monkeypatch):
    in_memory = load(f"folder:{photos}", image_size=16).images
    monkeypatch.setattr(storage, "MEMORY_LIMIT", 1000)
    truncate(photos / "000.jpg")
    images = load(f"folder:{photos}", image_size=16, cache_dir=photos).images
    assert isinstance(images, np.memmap)
    np.testing.assert_array_equal(images, in_memory[1:])


def test_progress_is_shown_for_many_files(photos, monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    shown = []

    def bar(results, **settings):
        shown.append(settings["total"])
        return results

    monkeypatch.setattr(tqdm, "tqdm", bar)
    load(f"folder:{photos}", image_size=8)
    assert shown == []
    monkeypatch.setattr(folder, "PROGRESS_FROM", 200)
    load(f"folder:{photos}", image_size=8)
    assert shown == [200]


def test_max_corrupt_is_a_fraction(photos):
    with pytest.raises(ValueError, match="fraction. Received: 5"):
        load(f"folder:{photos}", max_corrupt=5)


def test_paths_name_the_files_of_the_rows(classes, monkeypatch):
    (classes / "train" / "a" / "1.gif").write_bytes(b"")
    monkeypatch.chdir(classes.parent)
    data = load(f"folder:{classes.name}", image_size=4, max_corrupt=0.5)
    assert data.paths == tuple(
        os.path.join(classes.name, "train", *rest)
        for rest in (("a", "0.PNG"), ("b", "deep", "0.PNG"))
    )
    for path, image in zip(data.paths, data.images, strict=True):
        np.testing.assert_array_equal(load_image(path, 4), image)
    assert load("digits").paths is None


def test_what_is_left_out_is_counted_and_what_may_be_an_image_is_told(classes, caplog):
    data = load(f"folder:{classes}", image_size=4)
    assert data.left_out == {".txt": 1, "hidden": 1}
    assert caplog.records == []
    for name in ("0.mp4", "1.MP4", "a/2.raw", "a/b"):
        (classes / "train" / name).write_bytes(b"")
    os.mkfifo(classes / "train" / "a" / "pipe.jpg")
    data = load(f"folder:{classes}", image_size=4)
    assert len(data) == 2
    assert data.left_out == {
        **{".txt": 1, "hidden": 1, ".mp4": 2, ".raw": 1},
        **{"without an ending": 1, "not a file": 1},
    }
    (record,) = caplog.records
    told = "split train: 2 .mp4, 1 .raw, 1 not a file, 1 without an ending."
    assert record.getMessage().endswith(told)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif", "gif", "bmp"])
def test_one_image_is_as_in_its_folder(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    write(path, photo(np.random.default_rng(0)))
    (image,) = load(f"folder:{tmp_path}", image_size=24).images
    alone = load_image(path, 24)
    assert alone.dtype == np.uint8 and alone.shape == (24, 24, 3)
    np.testing.assert_array_equal(alone, image)
    assert alone.std() > 5


def test_says_why_one_image_cannot_be_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ValueError, match="a.jpg cannot be decoded: not a JPEG"):
        load_image(tmp_path / "a.jpg", 8)
    with pytest.raises(ValueError, match="size must be at least 1. Received: 0"):
        load_image(tmp_path / "a.jpg", 0)
    with pytest.raises(FileNotFoundError, match="none.jpg does not exist"):
        load_image(tmp_path / "none.jpg", 8)
    with pytest.raises(FileNotFoundError, match="pipe.jpg is not a file"):
        load_image(tmp_path / "pipe.jpg", 8)


def test_classes_that_link_to_each_other(classes):
    train = classes / "train"
    (train / "a" / "more").symlink_to(train / "b")
    (train / "b" / "more").symlink_to(train / "a")
    data = load(f"folder:{classes}", image_size=4)
    np.testing.assert_array_equal(data.labels, [0, 0, 1, 1])
    green = data.images[:, 0, 0, 1] == 255
    np.testing.assert_array_equal(green, [True, False, False, True])

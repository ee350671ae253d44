import numpy as np
import pytest
from PIL import Image

from tfssl.data import load
from tfssl.data.table import LabelTable


@pytest.fixture
def table(tmp_path):
    """Writes a table of these lines and reads it."""

    def write(*lines, encoding="utf-8"):
        path = tmp_path / "labels.csv"
        path.write_text("\n".join(lines), encoding=encoding)
        return LabelTable(path)

    return write


FILES = ["a.jpg", "x/b.jpg", "x/c.jpg", "y/c.jpg", "notes.txt"]


def test_paths_and_names_that_only_one_file_has(table):
    labels = table("file,label", "a.jpg,cat", "b.jpg,dog", "x/c.jpg,cat")
    assert labels.class_names == ("cat", "dog")
    found = labels.labels(["x/c.jpg", "x/b.jpg", "a.jpg"], FILES)
    np.testing.assert_array_equal(found, [0, 1, 0])
    assert found.dtype == int


def test_integers_are_sorted_as_integers(table):
    assert table("file,label", "a,10", "b,9", "c,-1").class_names == ("-1", "9", "10")
    assert table("file,label", "a,10", "b,9", "c,x").class_names == ("10", "9", "x")


@pytest.mark.parametrize(
    "header",
    ["filename,class", "Path, Label", "image,id,label", "label,file", "file,label,x"],
)
def test_columns_by_name(table, header):
    places = [name.strip().lower() for name in header.split(",")]
    cells = {"label": "cat", "class": "cat", "id": "7", "x": ""}
    line = ",".join(cells.get(name, "./a.jpg ") for name in places)
    labels = table(header, line, "", encoding="utf-8-sig")
    assert labels.class_names == ("cat",)
    np.testing.assert_array_equal(labels.labels(["a.jpg"], FILES), [0])


@pytest.mark.parametrize(
    "lines, message",
    [
        ((), "no column file or filename or path or image"),
        (("file;label", "a;b"), "separated by commas.*Received: 'file;label'"),
        (("file,breed", "a,b"), "no column label or class"),
        (("file,label", "a.jpg,x", "b.jpg"), "line 3: .*file 'b.jpg', label ''"),
        (("file,label", "a,x", "./a,y"), "line 3: a has two labels, 'x' and 'y'"),
    ],
)
def test_says_what_is_no_table(table, lines, message):
    with pytest.raises(ValueError, match=message):
        table(*lines)


def test_files_that_are_missing_or_not_text(tmp_path, table):
    with pytest.raises(FileNotFoundError, match="no file .*none.csv"):
        LabelTable(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="not a CSV file in UTF-8"):
        table("file,label", "a,b", encoding="utf-16")


@pytest.mark.parametrize(
    "lines, message",
    [
        (["a.jpg,0"], "3 of 4 images are not in .*: x/b.jpg, x/c.jpg, y/c.jpg. Give"),
        (["c.jpg,0"], "2 files are named c.jpg: x/c.jpg, y/c.jpg. Give their paths"),
        (["a.jpg,0", "b.jpg,0", "x/b.jpg,1"], "x/b.jpg has two labels, '0' and '1'"),
        (["b.png,0", "z/a.jpg,0"], "2 files of .* not in the folder: b.png, z/a.jpg"),
        ([f"{i},0" for i in range(6)], "6 files .*: 0, 1, 2, 3, 4 and 1 more. Paths"),
    ],
)
def test_says_what_does_not_fit_the_folder(table, lines, message):
    with pytest.raises(ValueError, match=message):
        table("file,label", *lines).labels(FILES[:4], FILES)


COLOURS = {"a": "red", "b": "lime", "x/c": "blue", "x/y/d": "white"}
LINES = ["file,label", "a.png,2", "b.png,10", "c.png,2", "x/y/d.png,10"]


@pytest.fixture
def nested(tmp_path):
    """Four images at three depths, with a table beside them."""
    folder = tmp_path / "set"
    (folder / "x" / "y").mkdir(parents=True)
    for name, colour in COLOURS.items():
        Image.new("RGB", (4, 4), colour).save(folder / f"{name}.png")
    (folder / "labels.csv").write_text("\n".join(LINES))
    return folder


def test_a_folder_as_nested_as_it_likes(nested):
    data = load(f"folder:{nested}", image_size=4, labels=nested / "labels.csv")
    assert data.class_names == ("2", "10")
    np.testing.assert_array_equal(data.labels, [0, 1, 0, 1])
    np.testing.assert_array_equal(data.images[:, 0, 0, 2], [0, 0, 255, 255])
    assert data.paths == tuple(f"{nested}/{name}.png" for name in COLOURS)


def test_corrupt_files_and_those_left_out_may_be_in_the_table(nested):
    (nested / "b.png").write_bytes(b"no image")
    (nested / "notes.txt").write_text("")
    lines = [*LINES, "notes.txt,3"]
    (nested / "labels.csv").write_text("\n".join(lines))
    data = load(
        f"folder:{nested}", image_size=4, labels=nested / "labels.csv", max_corrupt=0.5
    )
    assert data.skipped == ("b.png",)
    assert data.class_names == ("2", "3", "10")
    np.testing.assert_array_equal(data.labels, [0, 0, 2])
    (nested / "a.png").unlink()
    with pytest.raises(ValueError, match="1 files of .*not in the folder: a.png"):
        load(f"folder:{nested}", labels=nested / "labels.csv")


def test_one_table_for_both_splits(nested):
    (nested / "x").rename(nested / "test")
    (nested / "train").mkdir()
    for name in ("a.png", "b.png"):
        (nested / name).rename(nested / "train" / name)
    lines = ["file,label", "train/a.png,p", "b.png,q", "c.png,r", "test/y/d.png,p"]
    (nested / "labels.csv").write_text("\n".join(lines))
    for split, want in (("train", [0, 1]), ("test", [2, 0])):
        data = load(
            f"folder:{nested}", split, image_size=4, labels=nested / "labels.csv"
        )
        assert data.class_names == ("p", "q", "r")
        np.testing.assert_array_equal(data.labels, want)


def test_a_table_may_name_some_of_the_images(nested, caplog):
    table = nested / "labels.csv"
    table.write_text("file,label\nc.png,cat\nb.png,dog\nx/y/d.png,cat")
    with pytest.raises(ValueError, match="1 of 4 images are not .*leave_out"):
        load(f"folder:{nested}", image_size=4, labels=table)
    given = {"image_size": 4, "labels": table, "unlabelled": "leave_out"}
    data = load(f"folder:{nested}", **given)
    assert data.class_names == ("cat", "dog")
    np.testing.assert_array_equal(data.labels, [1, 0, 0])
    np.testing.assert_array_equal(data.images[:, 0, 0, 2], [0, 255, 255])
    assert data.left_out["without a label"] == 1
    assert "1 without a label" in caplog.text
    # The test images are of those with a label.
    parts = [
        load(f"folder:{nested}", split, test_fraction=0.5, **given)
        for split in ("train", "test")
    ]
    assert sorted(sum((part.paths for part in parts), ())) == sorted(data.paths)
    table.write_text("file,label\nlabels.csv,cat")
    with pytest.raises(ValueError, match="train: none of 4 images is in labels="):
        load(f"folder:{nested}", **given)
    with pytest.raises(ValueError, match="unlabelled is for a table.*'keep'"):
        load(f"folder:{nested}", unlabelled="keep")
    with pytest.raises(ValueError, match='"leave_out" or "keep". Received: \'drop\''):
        load(f"folder:{nested}", labels=table, unlabelled="drop")


def test_images_that_a_table_does_not_name_may_be_kept(nested):
    table = nested / "labels.csv"
    table.write_text("file,label\nc.png,cat\nb.png,dog\nx/y/d.png,cat")
    given = {"image_size": 4, "labels": table, "unlabelled": "keep"}
    data = load(f"folder:{nested}", **given)
    np.testing.assert_array_equal(data.labels, [-1, 1, 0, 0])
    assert not data.left_out.get("without a label")
    assert repr(data).endswith("4 images of 4x4, 2 classes, 1 without a label)")
    # What is tested is what is tested without them; they stay to be learned from.
    for stream in (False, True):
        for fraction in ("test_fraction", "hold_out"):
            kept, left_out = (
                [
                    load(f"folder:{nested}", split, stream=stream, **options)
                    for split in ("train", "test")
                ]
                for options in (
                    {**given, fraction: 0.5},
                    {**given, fraction: 0.5, "unlabelled": "leave_out"},
                )
            )
            assert kept[1].paths == left_out[1].paths
            assert len(kept[0]) == 3 and kept[0].paths[0].endswith("a.png")
            assert kept[0].paths[1:] == left_out[0].paths
            np.testing.assert_array_equal(kept[0].labels[1:], left_out[0].labels)
            assert kept[0].labels[0] == -1
    # A split of which it names nothing is one without labels.
    table.write_text("file,label\nlabels.csv,cat")
    assert load(f"folder:{nested}", **given).labels is None
    parts = [
        load(f"folder:{nested}", s, hold_out=0.5, **given) for s in ("train", "test")
    ]
    assert [len(part) for part in parts] == [2, 2]


def test_a_table_is_for_folders(nested):
    with pytest.raises(ValueError, match="for folder:DIR. Received: 'digits'"):
        load("digits", labels=nested / "labels.csv")

"""From a folder of photos to their names, and to those that look alike."""

import csv

import numpy as np
import pytest
from cases import encoder
from PIL import Image
from programs import run

import tfssl

NAMES = ("dark", "light")


@pytest.fixture
def photos(tmp_path):
    """24 pictures of two classes, of many sizes."""
    random = np.random.default_rng(0)
    for i in range(24):
        label = i % 2
        small = random.integers(155 * label, 155 * label + 100, (4, 5, 3), "uint8")
        size = tuple(map(int, random.integers(20, 40, 2)))
        folder = tmp_path / "photos" / NAMES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(small).resize(size).save(folder / f"{i:02}.png")
    encoder().save(tmp_path / "encoder.keras")
    return tmp_path


@pytest.fixture
def classifier(photos):
    out = run(
        "finetune",
        f"--encoder={photos / 'encoder.keras'}",
        f"--dataset=folder:{photos / 'photos'}",
        "--mode=frozen",
        f"--save={photos / 'classifier.keras'}",
    )
    assert "Training on 24 labelled images" in out and "2 classes" in out
    assert "Not measured" in out
    return f"--model={photos / 'classifier.keras'}"


def test_a_folder_is_named(photos, classifier):
    lines = run("predict", classifier, photos / "photos").splitlines()
    assert len(lines) == 24
    for line in lines:
        path, name, *_ = line.split()
        assert path.split("/")[-2] == name
        assert {"(dark", "(light"} & set(line.split())


def test_patterns_csv_and_files_that_cannot_be_read(photos, classifier, monkeypatch):
    monkeypatch.chdir(photos / "photos")
    (photos / "photos" / "dark" / "broken.png").write_bytes(b"no picture")
    table = photos / "table.csv"
    flags = (classifier, f"--csv={table}", "--top=9", "--batch_size=5")
    error = run("predict", *flags, "dark/*.png", "light/01.png", fails=True)
    assert "1 of 14 files were not read" in error and "dark/broken.png" in error
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    # There are two classes.
    columns = [f"{name}_{n}" for n in (1, 2) for name in ("class", "probability")]
    assert list(rows[0]) == ["file", *columns]
    assert None not in rows[0].values()
    expected = [f"dark/{i:02}.png" for i in range(0, 24, 2)] + ["light/01.png"]
    assert [row["file"] for row in rows] == expected
    assert [row["class_1"] for row in rows] == ["dark"] * 12 + ["light"]
    assert all(0.5 < float(row["probability_1"]) <= 1 for row in rows)


@pytest.mark.slow
def test_photos_of_which_some_have_a_label_are_all_learned_from(photos):
    lines = [f"{i:02}.png,{NAMES[i % 2]}" for i in range(12)]
    (photos / "labels.csv").write_text("\n".join(["file,label", *lines]))
    out = run(
        "pretrain",
        "--method=joint",
        f"--dataset=folder:{photos / 'photos'}",
        f"--labels={photos / 'labels.csv'}",
        "--test_fraction=0.34",
        "--image_size=32",
        "--encoder_width=4",
        "--batch_size=10",
        "--epochs=2",
        f"--workdir={photos / 'run'}",
    )
    # Two of each class are held back.
    assert "20 images of" in out and "8 of them with a label" in out
    rows = list(csv.DictReader(open(photos / "run" / "metrics.csv", newline="")))
    # Of four test images.
    assert len(rows) == 2
    assert all(4 * float(row["knn_accuracy"]) in range(5) for row in rows)
    report = (photos / "run" / "report.html").read_text()
    assert "no label" in report and "never saw a label" not in report
    run("report", f"--workdir={photos / 'run'}")
    assert "no label" in (photos / "run" / "report.html").read_text()
    model = f"--model={photos / 'run' / 'classifier.keras'}"
    lines = run("predict", model, photos / "photos").splitlines()
    assert len(lines) == 24 and all({"dark", "light"} & {*x.split()} for x in lines)


def test_accuracy_is_told_where_there_are_test_images(photos):
    out = run(
        "finetune",
        f"--encoder={photos / 'encoder.keras'}",
        f"--dataset=folder:{photos / 'photos'}",
        "--test_fraction=0.25",
        "--mode=frozen",
        "--labels_per_class=4",
        f"--save={photos / 'new' / 'classifier.keras'}",
    )
    assert (photos / "new" / "classifier.keras").exists()
    assert "Training on 8 labelled images" in out
    assert "Accuracy on 6 test images: 1.0000" in out


@pytest.mark.parametrize(
    "script, flags, message",
    [
        ("predict", ["--model=none.keras", "a.png"], "finetune --save=FILE. makes one"),
        ("finetune", ["--encoder=a", "--dataset=digits", "--save=a.h5"], "in .keras"),
        (
            "finetune",
            ["--encoder=a", "--dataset=digits", "--save=a.keras", "--mode=scratch"],
            "one mode, finetuned or frozen",
        ),
        ("search", ["--encoder=a", "--index=none.npz"], "Set --dataset to make it"),
    ],
)
def test_mistakes_are_told(script, flags, message):
    import re

    assert re.search(message, run(script, *flags, fails=True))


def test_no_file_and_no_picture(photos, classifier):
    assert "There is no file 'a*.png'" in run("predict", classifier, "a*.png", fails=1)
    assert "Name the images" in run("predict", classifier, fails=True)


def test_an_index_is_made_once_and_searched(photos, monkeypatch):
    index = photos / "index.npz"
    flags = (f"--encoder={photos / 'encoder.keras'}", f"--index={index}")
    query = photos / "photos" / "dark" / "04.png"
    data = f"--dataset=folder:{photos / 'photos'}"
    # A mistaken name is told before the index is made.
    error = run("search", *flags, data, "--query=none.png", fails=True)
    assert "none.png" in error and not index.exists()
    out = run("search", *flags, data, f"--query={query}", "--k=3")
    assert "24 images" in out
    nearest = out.splitlines()[-3].split()
    assert float(nearest[0]) == pytest.approx(1, abs=1e-3)
    assert nearest[1] == str(query)
    # Without the images.
    again = run("search", *flags, f"--query={query}", "--k=3")
    assert again.splitlines() == out.splitlines()[-4:]
    assert len(tfssl.transfer.Index.load(index)) == 24
    # What is there is searched, and it is said.
    other = run("search", *flags, data, f"--query={query}", "--k=3")
    assert f"{index} is searched as it is" in other
    assert other.splitlines()[-4:] == out.splitlines()[-4:]


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_file_that_is_corrupt_is_not_found(photos, stream):
    files = sorted((photos / "photos").rglob("*.png"))
    files[0].write_bytes(b"no picture")
    flags = (f"--encoder={photos / 'encoder.keras'}", f"--stream={stream}")
    # Its folder is made.
    index = photos / "new" / "index.npz"
    data = (f"--dataset=folder:{photos / 'photos'}", "--max_corrupt=0.1")
    assert "23 images" in run("search", *flags, *data, f"--index={index}")
    found = tfssl.transfer.Index.load(index)
    assert sorted(found.paths) == sorted(map(str, files[1:]))

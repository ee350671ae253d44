"""A folder of photographs of all sizes, some of them broken."""

import keras
import numpy as np
import pytest
from PIL import Image
from programs import SMALL, run

import tfssl


def make_photos(folder, corrupt):
    """200 files: smooth pictures of many sizes, one grey, one with alpha."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for i in range(200):
        width, height = random.integers(40, 90, 2)
        small = random.integers(0, 256, (5, 6, 3), "uint8")
        photo = Image.fromarray(small).resize((int(width), int(height)), Image.BICUBIC)
        if i == 0:
            photo = photo.convert("L")
        if i == 1:
            photo.putalpha(128)
        path = folder / f"photo{i:03}.{'png' if i < 2 else 'jpg'}"
        photo.save(path)
        if i >= 200 - corrupt:
            path.write_bytes(path.read_bytes()[:100])


@pytest.mark.matrix
@pytest.mark.slow
def test_a_folder_with_one_corrupt_file_trains(tmp_path):
    make_photos(tmp_path / "photos", corrupt=1)
    flags = ("--image_size=32", "--epochs=1", *SMALL, f"--workdir={tmp_path / 'run'}")
    out = run("pretrain", f"--dataset=folder:{tmp_path / 'photos'}", *flags)
    assert "199 images" in out
    assert (tmp_path / "run" / "encoder.keras").exists()


def test_ten_corrupt_files_stop_it_with_their_names(tmp_path):
    make_photos(tmp_path / "photos", corrupt=10)
    flags = ("--image_size=32", "--epochs=1", *SMALL, f"--workdir={tmp_path / 'run'}")
    error = run(
        "pretrain", f"--dataset=folder:{tmp_path / 'photos'}", *flags, fails=True
    )
    for i in range(190, 200):
        assert f"photo{i}.jpg" in error
    assert not (tmp_path / "run").exists()


@pytest.mark.matrix
@pytest.mark.slow
def test_stored_larger_than_seen_all_the_way_to_the_zoo(tmp_path):
    """Images of 32 pixels, views and encoder of 24: as "store 256, crop 224"."""
    photos, work = tmp_path / "photos", tmp_path / "run"
    random = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 10)):
        for number, name in enumerate(("dark", "light")):
            (photos / split / name).mkdir(parents=True)
            for i in range(count):
                small = random.integers(100 * number, 100 * number + 120, (4, 5, 3))
                photo = Image.fromarray(small.astype("uint8")).resize((50, 40))
                photo.save(photos / split / name / f"{i}.png")
    data = (f"--dataset=folder:{photos}", "--image_size=32")
    small = (
        "--encoder_width=4",
        "--batch_size=16",
        "--epochs=1",
        "--precision=float32",
    )
    run("pretrain", *data, *small, "--view_size=24", f"--workdir={work}")
    encoder = f"--encoder={work / 'encoder.keras'}"
    out = run("evaluate", encoder, *data, "--k=5", f"--output={work}/evaluation.json")
    assert "knn" in out
    few = ("--labels_per_class=4", "--draws=2", "--steps=4")
    run("finetune", encoder, *data, *few, f"--output={work}/finetune.json")
    # Both have refreshed the report of the run.
    report = (work / "report.html").read_text()
    for title in ("knn", "finetuned, 4 labels", "scratch, 4 labels"):
        assert f"<td>{title}" in report
    assert "<figcaption>dark</figcaption>" in report
    zoo = tmp_path / "zoo"
    run("publish", f"--workdir={work}", "--name=photos", f"--zoo={zoo}")
    loaded = tfssl.zoo.load("photos", source=zoo)
    assert loaded.input_shape == (None, 24, 24, 3)
    images = tfssl.data.load(f"folder:{photos}", "test", image_size=32).images
    own = keras.saving.load_model(work / "encoder.keras", compile=False)
    np.testing.assert_allclose(
        tfssl.transfer.features(loaded, images),
        tfssl.transfer.features(own, images),
        atol=1e-4,
    )

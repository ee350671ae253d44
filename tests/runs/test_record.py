"""What a run is made from, read back."""

import json

import numpy as np
import pytest
from PIL import Image

import tfssl
from tfssl import runs


@pytest.fixture
def photos(tmp_path):
    """Ten images of two classes that a table names."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["file,label"]
    for i in range(10):
        Image.new("L", (8, 8), 20 * i).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{'even' if i % 2 == 0 else 'odd'}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def test_the_data_of_a_run_with_labels_and_a_test_split_of_its_own(tmp_path, photos):
    labels = str(photos / "labels.csv")
    options = {"image_size": 4, "labels": labels, "test_fraction": 0.4}
    settings = {"dataset": f"folder:{photos}", "seed": 3, **options}
    runs.Workdir(tmp_path / "run", settings)
    found = runs.data_of(runs.Workdir.read(tmp_path / "run"))
    for split, part in zip(("train", "test"), found, strict=True):
        want = tfssl.data.load(f"folder:{photos}", split, **options)
        assert part.paths == want.paths
        np.testing.assert_array_equal(part.images[:], want.images)
        np.testing.assert_array_equal(part.labels, want.labels)
    assert (len(found[0]), len(found[1])) == (6, 4)
    assert found[0].class_names == ("even", "odd")


def test_the_data_of_a_run_from_before_there_were_such_settings(tmp_path, photos):
    run = runs.Workdir(
        tmp_path / "run", {"dataset": f"folder:{photos}", "image_size": 4}
    )
    assert "labels" not in json.loads((run.path / "run.json").read_text())["settings"]
    train, test = runs.data_of(run)
    assert len(train) == 10 and train.labels is None and test is None


@pytest.mark.parametrize("stream", ["true", "false"])
def test_photos_of_a_run_are_read_when_they_are_shown(tmp_path, photos, stream):
    settings = {"dataset": f"folder:{photos}", "image_size": 4, "stream": stream}
    run = runs.Workdir(tmp_path / "run", settings)
    train, _ = runs.data_of(run)
    assert isinstance(train.images, tfssl.training.StreamedImages) and len(train) == 10
    # The images are the same, so the run may go on with or without.
    other = {"true": "false", "false": "true"}[stream]
    runs.Workdir(tmp_path / "run", {**settings, "stream": other})


def test_some_photos_have_a_label(tmp_path, photos):
    table = photos / "labels.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:5]))
    options = {"image_size": 4, "labels": str(table), "test_fraction": 0.5}
    run = runs.Workdir(tmp_path / "run", {"dataset": f"folder:{photos}", **options})
    train, test = runs.data_of(run)
    assert np.bincount(train.labels + 1).tolist() == [6, 1, 1]
    assert np.bincount(test.labels).tolist() == [1, 1]


def test_a_distillation_is_no_pretraining(tmp_path):
    run = runs.Workdir(tmp_path / "run", {"method": "distillation", "num_images": 4})
    assert not runs.is_pretraining(run)
    with pytest.raises(ValueError, match="no run of tfssl pretrain.*distillation"):
        runs.model_of(run)

"""What the scripts share."""

import numpy as np
import pytest
from absl.flags import IllegalFlagValueError
from cases import encoder
from PIL import Image
from programs import imported

from tfssl import methods, runs
from tfssl.data import load


def test_a_folder_is_no_encoder(tmp_path):
    with imported("common") as common:
        with pytest.raises(ValueError, match="is a folder. Give .*encoder.keras"):
            common.load_encoder(str(tmp_path))
        with pytest.raises(FileNotFoundError, match="There is no file"):
            common.load_encoder(str(tmp_path / "encoder.keras"))


def test_a_run_without_a_projector(tmp_path):
    encoder().save(tmp_path / "encoder.keras")
    with imported("common") as common:
        with pytest.raises(FileNotFoundError, match="keep no projector"):
            common.load_encoder(str(tmp_path / "encoder.keras"), head_layer=1)


@pytest.fixture
def photos(tmp_path):
    """Twenty images of two classes that a table names."""
    lines = ["file,label"]
    for i in range(20):
        Image.new("L", (8, 8), 10 * i).save(tmp_path / f"{i:02}.png")
        lines.append(f"{i:02}.png,{i % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def test_all_scripts_and_seeds_have_the_same_test_split(photos):
    flags = (
        f"--dataset=folder:{photos}",
        f"--labels={photos / 'labels.csv'}",
        "--test_fraction=0.3",
        "--image_size=4",
    )
    splits = []
    for script, *others in (
        ("pretrain", "--workdir=none", "--seed=3"),
        ("evaluate", "--encoder=pixels", "--seed=5"),
        ("finetune", "--encoder=none"),
    ):
        with imported(script, *flags, *others) as module:
            train, test = module.common.load_labelled()
        assert (len(train), len(test)) == (14, 6)
        assert np.bincount(test.labels).tolist() == [3, 3]
        assert not set(train.paths) & set(test.paths)
        splits.append((train.paths, test.paths))
    assert splits[0] == splits[1] == splits[2]


def test_of_a_table_of_some_images_only_those_are_measured(photos):
    lines = (photos / "labels.csv").read_text().splitlines()[:13]
    (photos / "labels.csv").write_text("\n".join(lines))
    flags = [f"--dataset=folder:{photos}", f"--labels={photos / 'labels.csv'}"]
    flags += ["--image_size=4", "--encoder=pixels", "--test_fraction=0.5"]
    with imported("evaluate", *flags) as evaluate:
        _, train, test = evaluate.common.load_features()
        assert (len(train), len(test)) == (6, 6)
        train, again = evaluate.common.load_labelled(keep_unlabelled=True)
        # The others are beside those that are learned from, and none of them is tested.
        assert np.bincount(train.labels + 1).tolist() == [8, 3, 3]
        assert again.paths == test.paths


@pytest.mark.parametrize("fraction", [0, 1, -0.5])
@pytest.mark.parametrize("name", ["test_fraction", "hold_out"])
def test_a_fraction_is_between_0_and_1(name, fraction):
    with pytest.raises(IllegalFlagValueError, match="between 0 and 1"):
        with imported("evaluate", "--encoder=pixels", f"--{name}={fraction}"):
            pass


def test_settings_are_chosen_on_training_images_held_out():
    flags = ("--encoder=pixels", "--dataset=digits", "--hold_out=0.2")
    with imported("evaluate", *flags) as evaluate:
        train, held = evaluate.common.load_labelled()
        assert evaluate.common.measured_with() == {"hold_out": 0.2}
    whole = load("digits", "train")
    assert (train.split, held.split) == ("train", "test")
    assert len(train) + len(held) == len(whole) == 1297 and 255 <= len(held) <= 265
    # No two digits are the same, so each is in one of the parts.
    parts = [{image.tobytes() for image in part.images} for part in (train, held)]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {image.tobytes() for image in whole.images}


def test_a_set_with_a_test_split_refuses_a_fraction_of_it():
    flags = ("--encoder=pixels", "--dataset=digits", "--test_fraction=0.2")
    with imported("evaluate", *flags) as evaluate:
        with pytest.raises(ValueError, match="digits has a test split of its own"):
            evaluate.main()


def test_a_report_whose_images_are_gone_stays_as_it_is(tmp_path, capsys):
    recipe = methods.recipe("simclr", image_size=16, preset="digits")
    settings = runs.settings(
        recipe, load("digits", "test"), dataset=f"folder:{tmp_path / 'gone'}", seed=0
    )
    model = recipe.make(500)
    run = runs.Workdir(tmp_path / "run", settings)
    run.finish(model)
    flags = ("--encoder=pixels", "--dataset=digits")
    with imported("evaluate", *flags) as evaluate:
        evaluate.common.refresh_report(str(run.path / "evaluation.json"))
    said = capsys.readouterr().out
    assert "The report is as it was: " in said and "no folder" in said
    assert not (run.path / "report.html").exists()

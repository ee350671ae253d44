import io
import json

import keras
import numpy as np
import pytest
from cases import images, make
from PIL import Image

from tfssl.files import partial_path, write_text
from tfssl.runs import Position, Workdir, read_metrics

pytestmark = pytest.mark.usefixtures("eager")


def trained(path, epochs=3):
    run = Workdir(path, {"epochs": 5})
    model = make("simclr")
    model.fit(
        images(32),
        batch_size=16,
        epochs=epochs,
        callbacks=run.callbacks(),
        verbose=0,
    )
    return run, model


def test_files_are_as_readable_as_others(tmp_path):
    write_text(tmp_path / "report.html", "a")
    (tmp_path / "other").write_text("a")
    ours, others = (tmp_path / name for name in ("report.html", "other"))
    assert ours.stat().st_mode == others.stat().st_mode
    with pytest.raises(TypeError):
        write_text(tmp_path / "report.html", 1)
    assert ours.read_text() == "a" and len(list(tmp_path.iterdir())) == 2


def test_the_newest_good_checkpoint_wins(tmp_path):
    run, model = trained(tmp_path / "run")
    files = sorted(p.name for p in (run.path / "checkpoints").iterdir())
    assert files == [
        "epoch-000002-step-000000000.json",
        "epoch-000002-step-000000000.weights.h5",
        "epoch-000003-step-000000000.json",
        "epoch-000003-step-000000000.weights.h5",
    ]
    copy = make("simclr", seed=1)
    assert run.restore(copy) == Position(3)
    for a, b in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (a, b)))
    newest = run.path / "checkpoints" / "epoch-000003-step-000000000.weights.h5"
    torn = newest.read_bytes()
    newest.write_bytes(torn[: len(torn) // 2])
    assert run.restore(make("simclr")) == Position(2)
    newest.unlink()
    assert run.restore(make("simclr")) == Position(2)
    for note in ("{", "[]", "null", '{"epoch": 9}'):
        newest.with_name("epoch-000003-step-000000000.json").write_text(note)
        assert run.restore(make("simclr")) == Position(2)
    (run.path / "checkpoints" / "epoch-000002-step-000000000.weights.h5").unlink()
    assert run.restore(make("simclr")) == Position()


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    run = Workdir(tmp_path / "run", {})
    (run.path / "checkpoints").mkdir()
    for name in ("checkpoints/epoch-000001-step-000000000.weights.h5", "encoder.keras"):
        partial_path(run.path / name).write_bytes(b"half")
    # Of another program, which may be at work.
    other = partial_path(run.path / "evaluation.json")
    other.write_text("{")
    assert run.restore(make("simclr")) == Position()
    assert sorted(run.path.rglob(".partial-*")) == [other]


def test_metrics_of_epochs_that_are_made_again_are_dropped(tmp_path):
    run, model = trained(tmp_path / "run")
    rows = read_metrics(run.path / "metrics.csv")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert all(np.isfinite(row["loss"]) for row in rows)
    model.fit(
        images(32),
        batch_size=16,
        initial_epoch=2,
        epochs=4,
        callbacks=run.callbacks(Position(2)),
        verbose=0,
    )
    again = read_metrics(run.path / "metrics.csv")
    assert [row["epoch"] for row in again] == [1, 2, 3, 4]
    assert again[:2] == rows[:2]


def test_event_files_hold_the_metrics(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _ = trained(tmp_path / "run", epochs=2)
    events = EventAccumulator(str(run.path / "tensorboard")).Reload()
    losses = [event.value for event in events.Scalars("loss")]
    rows = read_metrics(run.path / "metrics.csv")
    np.testing.assert_allclose(losses, [row["loss"] for row in rows], rtol=1e-6)


def test_event_files_hold_hyper_parameters_and_views(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    run = Workdir(tmp_path / "run", {"epochs": 1, "views": {"blur": True}})
    originals = images(3)
    make("simclr").fit(
        images(),
        batch_size=16,
        verbose=0,
        callbacks=run.callbacks(originals=originals),
    )
    events = EventAccumulator(str(run.path / "tensorboard")).Reload()
    (sheet,) = events.Images("views")
    # The image and two views, three rows of 16 pixels.
    assert (sheet.height, sheet.width) == (48, 48)
    pixels = np.asarray(Image.open(io.BytesIO(sheet.encoded_image_string)))
    np.testing.assert_array_equal(pixels[:16, :16], originals[0])
    content = events.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data
    start = metadata.parse_session_start_info_plugin_data(content.content)
    assert start.hparams["epochs"].number_value == 1
    assert start.hparams["views"].string_value == "{'blur': True}"


def test_other_settings_are_refused(tmp_path):
    Workdir(tmp_path / "run", {"epochs": 5, "data_dir": "a", "knn_every": 1})
    again = Workdir(tmp_path / "run", {"epochs": 5, "data_dir": "b", "knn_every": 0})
    assert again.info["settings"]["epochs"] == 5
    with pytest.raises(ValueError, match="epochs: 5 then, 6 now"):
        Workdir(tmp_path / "run", {"epochs": 6, "data_dir": "a"})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        Workdir(tmp_path / "other", {})


def test_run_json_says_what_was_run(tmp_path):
    run = Workdir(tmp_path / "run", {"epochs": 5})
    run.record(finished=True)
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["settings"] == {"epochs": 5} and info["finished"]
    assert info["versions"]["keras"] == keras.__version__
    assert not list((tmp_path / "run").glob("*partial*"))


def test_a_worker_finds_the_folder_while_another_makes_it(tmp_path):
    (tmp_path / ".partial-abc").write_text("{")
    assert Workdir(tmp_path, {"epochs": 5}).info["settings"] == {"epochs": 5}

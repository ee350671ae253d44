"""A run that is killed at any moment and started again ends like an unbroken one."""

import re
import subprocess

import keras
import numpy as np
import pytest
from programs import (
    LONGEST,
    command,
    environment,
    reached,
    run,
    start,
    started,
    wait_until,
)

FLAGS = (
    "--dataset=digits",
    "--encoder_width=4",
    "--batch_size=256",
    "--epochs=4",
    "--knn_every=0",
    "--noreport",
    "--deterministic",
    "--precision=float32",
    # After each step.
    "--checkpoint_minutes=0",
)


def weights(workdir):
    return keras.saving.load_model(workdir / "encoder.keras", compile=False).weights


# By what the folder of the run holds.
MOMENTS = {
    "before the first step": lambda run: any(run.glob("run.json")),
    "while a checkpoint is written": lambda run: any(run.glob("checkpoints/.partial*")),
    "within an epoch": lambda run: reached(run, "epoch-000001-step-000000002"),
    "at the end of an epoch": lambda run: reached(run, "epoch-000003-step-000000000"),
    "while the encoder is saved": lambda run: any(run.glob(".partial-*-encoder.keras")),
}
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@pytest.mark.slow
@pytest.mark.matrix
def test_killed_at_some_moments(tmp_path):
    start("pretrain", *FLAGS, f"--workdir={tmp_path / 'whole'}")

    broken = tmp_path / "broken"
    kills = 0
    for here in MOMENTS.values():
        line = command("pretrain", *FLAGS, f"--workdir={broken}")
        with started(line, environment(), **QUIET) as (program,):
            wait_until(lambda here=here: here(broken), program)
            if program.poll() is None:
                program.kill()
                kills += 1
    assert kills >= 3
    start("pretrain", *FLAGS, f"--workdir={broken}")

    for a, b in zip(weights(tmp_path / "whole"), weights(broken), strict=True):
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, (a, b)), err_msg=a.path
        )
    epochs = [row.split(",")[0] for row in (broken / "metrics.csv").open()][1:]
    assert epochs == ["1", "2", "3", "4"]


@pytest.mark.slow
@pytest.mark.matrix
def test_sigterm_saves_and_the_same_command_goes_on(tmp_path):
    """Of several seeds the command passes it on."""
    arguments = [f for f in FLAGS if "minutes" not in f and "epochs" not in f]
    arguments += ["--epochs=20", "--seeds=3", f"--workdir={tmp_path}"]
    folder, line = tmp_path / "seed-3", command("pretrain", *arguments)
    with started(line, environment(), stdout=subprocess.DEVNULL) as (program,):
        wait_until(lambda: reached(folder, "epoch-000001-step-000000000"), program)
        program.terminate()
        error = program.communicate(timeout=LONGEST)[1]
    assert program.returncode == 75, error
    (after,) = re.findall(r"SIGTERM: saved after (.*). The same command", error)
    assert not (folder / "encoder.keras").exists()
    assert f"Continuing {folder} after {after} of 20." in start("pretrain", *arguments)
    assert (folder / "encoder.keras").exists()


def test_another_command_on_the_same_folder_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    error = run("pretrain", *FLAGS, f"--workdir={tmp_path / 'run'}", fails=True)
    assert "not empty" in error
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["thesis.txt"]

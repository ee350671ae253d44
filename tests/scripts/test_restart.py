"""A run that is killed at any moment and started again ends like an unbroken one."""

import re
import signal
import subprocess
import time

import keras
import numpy as np
import pytest
from programs import command, environment, run, start

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
    "before the first step": "run.json",
    "while a checkpoint is written": "checkpoints/.partial-*",
    "within an epoch": "checkpoints/epoch-000001-step-000000002.json",
    "at the end of an epoch": "checkpoints/epoch-000003-step-000000000.json",
    "while the encoder is saved": ".partial-*-encoder.keras",
}


@pytest.mark.slow
@pytest.mark.matrix
def test_killed_at_some_moments(tmp_path):
    start("pretrain", *FLAGS, f"--workdir={tmp_path / 'whole'}")

    broken = tmp_path / "broken"
    kills = 0
    for moment in MOMENTS:
        program = subprocess.Popen(
            command("pretrain", *FLAGS, f"--workdir={broken}"),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while program.poll() is None and not any(broken.glob(MOMENTS[moment])):
            time.sleep(0.001)
        if program.poll() is None:
            program.send_signal(signal.SIGKILL)
            kills += 1
        program.wait()
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
    program = subprocess.Popen(
        command("pretrain", *arguments),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = tmp_path / "seed-3" / "checkpoints" / "epoch-000001-step-000000000.json"
    while program.poll() is None and not first.exists():
        time.sleep(0.01)
    program.terminate()
    error = program.communicate()[1]
    assert program.returncode == 75, error
    (after,) = re.findall(r"SIGTERM: saved after (.*). The same command", error)
    assert not (tmp_path / "seed-3" / "encoder.keras").exists()
    assert f"Continuing {tmp_path}/seed-3 after {after} of 20." in start(
        "pretrain", *arguments
    )
    assert (tmp_path / "seed-3" / "encoder.keras").exists()


def test_another_command_on_the_same_folder_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    error = run("pretrain", *FLAGS, f"--workdir={tmp_path / 'run'}", fails=True)
    assert "not empty" in error
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["thesis.txt"]

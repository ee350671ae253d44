"""Two processes train as one, and so do two devices."""

import numpy as np
import pytest
from programs import (
    command,
    environment,
    reached,
    run,
    start,
    started,
    two_workers,
    wait_until,
    write_npz,
)

from tfssl.runs import read_metrics


def start_two(*flags):
    """Two workers of a run of pretrain, which do not outlive the block."""
    line = command("pretrain", *flags, "--strategy=multi_worker")
    return started(line, *(environment(**worker) for worker in two_workers()))


@pytest.mark.slow
@pytest.mark.matrix
def test_two_workers_share_a_run(tmp_path):
    write_npz(tmp_path / "data.npz")
    flags = (
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        # Weights that hardly move in so few steps, so that rounding does not grow.
        "--preset=cifar",
        "--learning_rate=0.05",
        "--encoder_width=4",
        "--batch_size=64",
        "--epochs=2",
        "--knn_every=0",
        "--noreport",
        "--precision=float32",
    )
    with start_two(*flags, f"--workdir={tmp_path / 'two'}") as workers:
        for worker in workers:
            out, error = worker.communicate(timeout=200)
            assert worker.returncode == 0, out[-1000:] + error[-3000:]
    rows = read_metrics(tmp_path / "two" / "metrics.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert (tmp_path / "two" / "encoder.keras").exists()

    # From the same views, up to rounding.
    run("pretrain", *flags, f"--workdir={tmp_path / 'one'}")
    alone = read_metrics(tmp_path / "one" / "metrics.csv")
    for row, other in zip(rows, alone, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("lost", [0, 1])
def test_a_worker_that_is_lost_ends_the_other_and_both_go_on(lost, tmp_path):
    write_npz(tmp_path / "data.npz")
    flags = (
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        "--preset=digits",
        "--encoder_width=4",
        "--batch_size=64",
        "--epochs=30",
        "--knn_every=0",
        "--noreport",
        # After each step; one worker saves.
        "--checkpoint_minutes=0",
        f"--workdir={tmp_path / 'run'}",
    )
    with start_two(*flags) as workers:
        wait_until(
            lambda: reached(tmp_path / "run", "epoch-000002-step-000000000"), *workers
        )
        assert all(worker.poll() is None for worker in workers)
        workers[lost].kill()
        error = workers[1 - lost].communicate(timeout=60)[1]
    assert workers[1 - lost].returncode == 1
    assert "RuntimeError: Another worker of this run is gone" in error
    with start_two(*flags) as workers:
        for worker in workers:
            out, error = worker.communicate(timeout=200)
            assert worker.returncode == 0, error[-3000:]
            assert "Continuing" in out
    rows = read_metrics(tmp_path / "run" / "metrics.csv")
    assert [row["epoch"] for row in rows] == list(range(1, 31))


@pytest.mark.slow
@pytest.mark.matrix
def test_two_devices_of_jax_end_in_the_weights_of_one(tmp_path):
    write_npz(tmp_path / "data.npz", n=250)
    ended = {}
    for devices in (0, 2):
        workdir = tmp_path / f"{devices}"
        start(
            "pretrain",
            f"--dataset=npz:{tmp_path / 'data.npz'}",
            "--preset=cifar",
            "--learning_rate=0.05",
            "--encoder_width=4",
            "--batch_size=64",
            "--epochs=2",
            "--knn_every=1",
            "--precision=float32",
            f"--virtual_devices={devices}",
            f"--workdir={workdir}",
            KERAS_BACKEND="jax",
        )
        assert (workdir / "report.html").exists()
        rows = read_metrics(workdir / "metrics.csv")
        ended[devices] = [(row["loss"], row["knn_accuracy"]) for row in rows]
    np.testing.assert_allclose(ended[2], ended[0], rtol=1e-4)

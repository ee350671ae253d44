"""Two processes train as one, and so do two devices."""

import json
import socket
import subprocess

import numpy as np
import pytest
from programs import command, environment, run, start, write_npz

from tfssl.runs import read_metrics


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    workers = []
    for index in range(2):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        workers.append(
            subprocess.Popen(
                command(
                    "pretrain",
                    *flags,
                    "--strategy=multi_worker",
                    f"--workdir={tmp_path / 'two'}",
                ),
                env=environment(TF_CONFIG=json.dumps(config)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
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

"""Runs side by side."""

import json

import numpy as np
import pytest
from programs import run as run_script

from tfssl import transfer
from tfssl.runs import Workdir, comparison


def finished(folder, accuracy, **settings):
    """A run as its folder keeps it, of two epochs."""
    run = Workdir(folder, {"method": "simclr", "workdir": str(folder), **settings})
    rows = [f"{epoch},{accuracy * epoch / 2}" for epoch in (1, 2)]
    text = "\n".join(["epoch,knn_accuracy", *rows])
    (run.path / "metrics.csv").write_text(text + "\n")
    return run


@pytest.fixture
def workdirs(tmp_path):
    runs = [
        finished(tmp_path / "a0", 0.5, batch_size=64, seed=0),
        finished(tmp_path / "b0", 0.8, batch_size=128, seed=0),
        finished(tmp_path / "a1", 0.7, batch_size=64, seed=1),
    ]
    return [run.path for run in runs]


def test_seeds_are_one_group(workdirs):
    small, large = comparison.grouped(workdirs)
    assert (small.name, large.name) == ("batch_size=64", "batch_size=128")
    assert [len(group.runs) for group in (small, large)] == [2, 1]
    (epoch, mean, std), last = small.curve("knn_accuracy")
    assert epoch == 1 and last[0] == 2
    np.testing.assert_allclose((mean, std), (0.3, 0.05 * 2**0.5))
    (result,) = small.results()
    np.testing.assert_allclose((result.value, result.std), (0.6, 0.1 * 2**0.5))
    assert large.curve("knn_accuracy")[-1] == (2, 0.8, 0.0)
    assert large.curve("loss") == []


def test_what_was_measured_comes_first(workdirs):
    for path, value in zip(workdirs, (0.4, 0.9, 0.6), strict=True):
        result = [transfer.Result("linear", value)]
        output = path / "evaluation.json"
        transfer.write_results(output, result, encoder="e", dataset="d")
    small, _ = comparison.grouped(workdirs)
    (result,) = small.results()
    assert result.protocol == "linear" and result.draws == (0.4, 0.6)


def test_the_program(workdirs, tmp_path):
    page = tmp_path / "comparison.html"
    out = run_script("compare", *workdirs, f"--output={page}")
    _, small, large, _ = out.splitlines()
    assert small.split() == "batch_size=64 2 knn while training 0.6000 ± 0.1414".split()
    assert large.split() == "batch_size=128 1 knn while training 0.8000".split()
    text = page.read_text()
    assert "batch_size=128" in text and text.count("<polyline") == 2
    assert "Give workdirs of runs" in run_script("compare", fails=True)


def test_one_group_has_the_name_of_its_method(tmp_path):
    one = finished(tmp_path / "a", 0.5, seed=0)
    assert [g.name for g in comparison.grouped([one.path])] == ["simclr"]
    settings = json.loads((one.path / "run.json").read_text())["settings"]
    assert "seed" in settings


def test_an_accuracy_that_is_none_is_left_out(tmp_path, workdirs):
    run = finished(tmp_path / "a2", float("nan"), batch_size=64, seed=2)
    small, _ = comparison.grouped([*workdirs, run.path])
    (result,) = small.results()
    assert result.draws == (0.5, 0.7)

"""The whole path of one command, in small."""

import pytest
from programs import run

import tfssl


@pytest.mark.slow
@pytest.mark.matrix
def test_it_is_gone_all_the_way_and_again_from_its_start(tmp_path):
    work = tmp_path / "run"
    small = ("--epochs=1", "--draws=2", "--steps=2", "--labels_per_class=1")
    for _ in range(2):
        out = run("quickstart", *small, f"--workdir={work}")
        assert "1,297 images" in out and f"Look at {work / 'report.html'}" in out
        assert len(tfssl.runs.read_metrics(work / "metrics.csv")) == 1
        results = tfssl.transfer.read_results(work / "finetune.json")["results"]
        assert tfssl.transfer.table(results) in out
        modes = [(result.protocol, len(result.draws)) for result in results]
        assert modes == [("scratch", 2), ("frozen", 2), ("finetuned", 2)]
        assert all(result.settings["labelled_images"] == 10 for result in results)
        assert [result.settings.get("steps") for result in results] == [2, None, 2]
        report = (work / "report.html").read_text()
        assert all(f"<td>{result.title}</td>" in report for result in results)
        encoder = tfssl.zoo.load("simclr_digits", source=work / "zoo")
        assert encoder.input_shape == (None, 16, 16, 3)
        # Of an earlier run nothing is left.
        assert not (work / "earlier").exists()
        (work / "earlier").touch()

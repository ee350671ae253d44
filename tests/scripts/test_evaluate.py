"""The protocols of scripts/evaluate.py, on the pixels of the digits."""

import json

import pytest
from absl import app
from programs import imported


def test_each_protocol_is_measured(tmp_path):
    arguments = (
        "--encoder=pixels",
        "--dataset=digits",
        "--protocol=knn,few_knn,linear,hidden",
        "--k=20",
        "--draws=3",
        f"--output={tmp_path / 'results.json'}",
    )
    with imported("evaluate", *arguments) as evaluate:
        evaluate.main()
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert [r["protocol"] for r in results] == ["knn", "few_knn", "linear", "hidden"]
    assert results[0]["settings"]["k"] == 20
    assert results[2]["settings"]["validation_accuracy"]
    for result in results:
        assert 0.8 < result["value"] < 1.0
        assert result["settings"]["feature_dim"] == 16 * 16 * 3
        assert (result["std"] is not None) == (result["protocol"] == "few_knn")
    assert results[1]["settings"]["draws"] == 3


def test_a_protocol_that_fails_loses_no_result(tmp_path, monkeypatch):
    import tfssl

    def fails(*data, **options):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(tfssl.transfer, "linear_probe", fails)
    output = tmp_path / "results.json"
    arguments = (
        "--dataset=digits",
        "--encoder=pixels",
        "--protocol=knn,linear",
        f"--output={output}",
    )
    with imported("evaluate", *arguments) as evaluate:
        with pytest.raises(RuntimeError, match="out of memory"):
            evaluate.main()
    results = json.loads(output.read_text())["results"]
    assert [result["protocol"] for result in results] == ["knn"]


def test_pixels_have_no_layers():
    flags = ("--dataset=digits", "--encoder=pixels", "--layer=conv")
    with imported("evaluate", *flags) as evaluate:
        with pytest.raises(app.UsageError, match="no layers"):
            evaluate.main()

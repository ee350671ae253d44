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
    for result in results:
        assert 0.8 < result["value"] < 1.0
        assert result["settings"]["feature_dim"] == 16 * 16 * 3
        assert (result["std"] is not None) == (result["protocol"] == "few_knn")
    assert results[1]["settings"]["draws"] == 3


def test_pixels_have_no_layers():
    with imported("evaluate", "--encoder=pixels", "--layer=conv") as evaluate:
        with pytest.raises(app.UsageError, match="no layers"):
            evaluate.main()

"""The notebooks of docs/ run, at a small size and without a network."""

import json
from pathlib import Path

import pytest
from digits import take_few_digits

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
# In place of what the cell tagged "parameters" says.
SMALL = {
    "own_photos": {"IMAGE_SIZE": 16, "EPOCHS": 1},
    "few_labels": {"LABELS_PER_CLASS": (2, 5), "DRAWS": 2, "STEPS": 4},
}


def cells(name):
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text())
    assert notebook["nbformat"] == 4
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_all_are_here():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_outputs_are_not_kept(name):
    for cell in cells(name):
        assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("name", SMALL)
def test_it_runs(name, tmp_path, monkeypatch, capsys):
    """Its cells, one after the other, as plain Python."""
    monkeypatch.chdir(tmp_path)
    take_few_digits(monkeypatch, 400)
    found = {}
    for cell in cells(name):
        code = compile("".join(cell["source"]), cell["id"], "exec")
        exec(code, found)
        if "parameters" in cell["metadata"].get("tags", []):
            assert set(SMALL[name]) <= set(found)
            found.update(SMALL[name])
    ranked = found["classifier"].classify(found["test"].images, top=1)
    right = [
        answer[0][0] == found["test"].class_names[label]
        for answer, label in zip(ranked, found["test"].labels, strict=True)
    ]
    # Ten classes, five labels each.
    assert sum(right) / len(right) > 0.3
    assert (tmp_path / "classifier.keras").exists()

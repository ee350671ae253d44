import pytest

from tfssl.zoo.card import model_card

METADATA = {
    "name": "small",
    "method": "simclr",
    "dataset": "digits",
    "epochs": 3,
    "seed": 2026,
    "temperature": 0.2,
    "settings": {"not": "shown"},
    "input_size": [16, 32],
    "input_range": [0, 255],
    "pixel_scaling": {"scale": 1 / 255, "offset": 0.0},
    "pixel_mean": 0.0,
    "pixel_std": 1.0,
    "feature_dim": 128,
    "parameters": 1234567,
    "versions": {"keras": "3.15.1"},
    "imports": [],
    "metrics": [
        {
            "protocol": "knn",
            "metric": "accuracy",
            "value": 0.61239,
            "std": None,
            "settings": {"k": 20, "dataset": "digits", "left_out": None},
        },
        {"protocol": "full", "value": 0.7, "std": 0.0123, "settings": {"draws": 5}},
        {"protocol": "depth", "metric": "error | mm", "value": 3},
    ],
}


def rows(text):
    """Cells of all table rows, by their first cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [line[2:-2].split(" | ") for line in lines if line != "| | |"]
    return {row[0]: row[1:] for row in cells}


def test_the_tables_have_the_facts_and_the_measurements():
    table = rows(model_card(METADATA))
    assert table["Method"] == ["simclr"]
    assert table["Trained on"] == ["digits"]
    assert table["Seed"] == ["2026"]
    assert table["Temperature"] == ["0.2"]
    assert table["Parameters"] == ["1,234,567"]
    assert table["Input size"] == ["16x32"]
    assert table["Keras"] == ["3.15.1"]
    assert table["knn"] == ["accuracy", "0.6124", "k: 20; dataset: digits"]
    assert table["full"] == ["accuracy", "0.7000 ± 0.0123", "draws: 5"]
    assert table["depth"] == ["error \\| mm", "3.0000", ""]
    assert not {"Settings", "Versions", "Metrics", "Input range", "Imports"} & set(
        table
    )


def test_what_is_not_known_is_said():
    text = model_card({**METADATA, "metrics": None, "input_size": [None, None]})
    assert "It was not measured." in text
    assert "Weights: not stated. Data: not stated." in text
    assert "any size" in text and "resized" not in text
    assert "None" not in text


def test_what_the_publisher_says_is_there():
    said = {
        "description": "Knows {digits}\nwell.",
        "limits": "Black and white only.",
        "licence": "Apache-2.0",
        "data_licence": "CC BY 4.0",
    }
    text = model_card({**METADATA, **said})
    for part in (*said.values(), "- Black and white", "Weights: Apache-2.0. Data: CC"):
        assert part in text


def test_what_must_be_imported_before_the_file_is_loaded():
    assert "Loads with Keras alone" in model_card(METADATA)
    text = model_card({**METADATA, "imports": ["tfssl.layers.patches", "mine"]})
    assert "Import tfssl.layers.patches and mine before loading" in text
    assert "Keras alone" not in text


@pytest.mark.parametrize(
    "mean, std, words",
    [
        (0.0, 1.0, "pixels / 255"),
        (0.5, 0.25, "(pixels / 255 - mean) / std, mean 0.5, std 0.25"),
        ([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], "mean 0.1, 0.2, 0.3, std 1.0, 2.0, 3.0"),
    ],
)
def test_scaling(mean, std, words):
    text = model_card({**METADATA, "pixel_mean": mean, "pixel_std": std})
    assert rows(text)["Input scaling"][0].endswith(words)

"""What tables and plots take from the metadata."""

from tfssl.zoo.published import Published, curves
from tfssl.zoo.table import markdown_tables

FEW = {"labels_per_class": 4, "dataset": "tfds:cifar10"}
METADATA = {
    "method": "simclr",
    "encoder": "resnet18",
    "dataset": "tfds:cifar10",
    "epochs": 200,
    "parameters": 11178432,
    "commit": "ac8c1f5d49ce",
    "device": "a | b",
    "metrics": [
        {"protocol": "knn", "value": 0.1, "settings": {"dataset": "digits"}},
        # Nor those of other features, or of images held out.
        {"protocol": "knn", "value": 0.98, "settings": {"hold_out": 0.2}},
        {"protocol": "knn", "value": 0.97, "settings": {"layer": ["conv"]}},
        {"protocol": "knn", "value": 0.96, "settings": {"head_layer": 1}},
        {"protocol": "knn", "value": 0.8568, "settings": {"k": 200, "layer": None}},
        {"protocol": "knn", "value": 0.85, "settings": {"k": 10}},
        {"protocol": "few_knn", "value": 0.5, "std": 0.0451, "settings": FEW},
        {"protocol": "few_knn", "value": 0.6, "settings": {"labels_per_class": 25}},
        {"protocol": "scratch", "value": 0.3, "settings": FEW},
    ],
}
FILES = {"encoder.keras": {"size": 22650537, "sha256": "0" * 64}}
ENCODER = Published("mine", METADATA, FILES)


def cells(line):
    return line.strip("| ").split(" | ")


def test_the_tables():
    text = markdown_tables([ENCODER, Published("bare", {}, {})])
    first, second = text.split("\n\n")
    heads, _, mine, bare = first.splitlines()
    facts = dict(zip(cells(heads), cells(mine), strict=False))
    assert facts["encoder"] == "`mine`" and facts["trained on"] == "cifar10"
    assert (facts["weights"], facts["file"]) == ("11.18 M", "22.7 MB")
    assert (facts["epochs"], facts["commit"]) == ("200", "ac8c1f5d49ce")
    # The first one that was measured on the images it was trained on.
    assert facts["kNN"] == "0.857"
    assert facts["device"] == "a \\| b"
    assert bare.count("|") == heads.count("|")
    assert second.splitlines()[0].endswith("| 4 | 25 | all |")
    assert second.splitlines()[2:] == [
        "| `mine` | few_knn | 0.500 ± 0.045 | 0.600 | 0.857 |",
        "| `mine` | scratch | 0.300 |  |  |",
    ]


def test_the_curves():
    assert ENCODER.counts() == [4, 25]
    assert ENCODER.curves() == [
        ("mine", "kNN", [(4, 0.5, 0.0451), (25, 0.6, None), (None, 0.8568, None)]),
        ("mine", "scratch", [(4, 0.3, None)]),
    ]
    other = Published("other", {**METADATA, "dataset": "digits"}, {})
    found = curves([ENCODER, Published("bare", {}, {}), other])
    assert found == {"cifar10": ENCODER.curves(), "digits": other.curves()}
    # Without few labels there is nothing to draw.
    few = [m for m in METADATA["metrics"] if "labels_per_class" in m["settings"]]
    whole = [m for m in METADATA["metrics"] if m not in few]
    assert curves([Published("whole", {**METADATA, "metrics": whole}, {})]) == {}

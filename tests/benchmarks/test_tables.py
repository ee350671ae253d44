"""What the benchmarks write of what they measured."""

import json
import sys
from types import ModuleType

import pytest
from programs import ROOT, imported

from tfssl import data, files, transfer


def page(folder, name):
    """The page of docs/ with its tables taken out, in a folder of its own."""
    text = (ROOT / "docs" / name).read_text()
    (folder / name).write_text(text)
    return folder / name


def row(method, seed, values, weights=10):
    """Of a comparison: its results, and those of a network that guesses."""
    return {
        "method": method,
        "seed": seed,
        "epochs": 7,
        "minutes": 0.5,
        "seconds": 0.02,
        "peak_memory_mib": 800.0,
        "batch_size": 128,
        "weights": weights,
        "results": [{"value": value, "protocol": "knn"} for value in values],
        "untrained": [{"value": 0.1 * weights / 10}] * 4,
    }


def test_methods(tmp_path, monkeypatch):
    made = page(tmp_path, "methods.md")
    (tmp_path / "runs" / "digits").mkdir(parents=True)
    rows = [
        row("byol", 0, (0.5, 0.6, 0.7, 0.80)),
        row("byol", 1, (0.5, 0.6, 0.7, 0.82)),
        row("mae", 0, (0.5, 0.6, 0.7, 0.9), weights=20),
        row("mae", 1, (0.5, 0.6, 0.7, 0.9), weights=20),
    ]
    (tmp_path / "runs" / "digits" / "results.json").write_text(json.dumps(rows))
    given = (f"--output={tmp_path}", f"--workdir={tmp_path / 'runs'}", "--nomeasure")
    plots = []
    for _ in range(2):
        with imported("methods", *given, folder="benchmarks") as benchmark:
            # Not everybody has what draws it.
            monkeypatch.setitem(sys.modules, "matplotlib", ModuleType("matplotlib"))
            monkeypatch.setattr(benchmark, "plot", lambda *given: plots.append(given))
            benchmark.main()
    assert plots == 2 * [(known_rows(tmp_path), tmp_path / "methods_digits.svg")]
    text = made.read_text()
    assert text.count("### Handwritten digits, 0.5 minutes each, 2 seeds") == 1
    mae, byol, *untrained = text.partition("|---|")[2].splitlines()[1:5]
    assert mae.startswith(
        "| mae | 7 | 128 | 20 | 800 | 0.500 ± 0.000 | 0.600 ± 0.000 |"
    )
    assert byol.endswith("| 0.810 ± 0.014 |")
    assert [line.split(" | ")[0] for line in untrained] == [
        "| *untrained*: mae",
        "| *untrained*: byol",
    ]
    assert "(methods_digits.svg)" in text
    assert text.endswith((ROOT / "docs" / "methods.md").read_text()[-300:])


def known_rows(folder):
    return json.loads((folder / "methods.json").read_text())["digits"]


def test_the_plot_of_methods_is_the_same_file_for_the_same_figures(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [row("byol", seed, (0.5, 0.6, 0.7, 0.8 + seed / 10)) for seed in (0, 1)]
    rows += [row("mae", 0, (0.5, 0.6, 0.7, 0.9))]
    with imported("methods", folder="benchmarks") as benchmark:
        for name in "ab":
            benchmark.plot(rows, tmp_path / f"{name}.svg")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    # The best is on top.
    assert text.index(">byol<") < text.index(">mae<")
    assert "25, untrained" in text


def test_joint(tmp_path):
    made = page(tmp_path, "methods.md")
    rows = [
        {
            "labels_per_class": count,
            "seed": seed,
            "frozen": 0.5,
            "finetuned": 0.6 + 0.1 * seed,
            "joint": 0.8,
        }
        for count in (5, 25)
        for seed in (0, 1)
    ]
    (tmp_path / "joint.json").write_text(json.dumps(rows))
    given = (f"--output={tmp_path}", "--seeds=0,1")
    with imported("joint", *given, folder="benchmarks") as benchmark:
        benchmark.main()
    lines = made.read_text().splitlines()
    assert "| 5 | 0.500 ± 0.000 | 0.650 ± 0.071 | 0.800 ± 0.000 |" in lines
    assert "| 25 | 0.500 ± 0.000 | 0.650 ± 0.071 | 0.800 ± 0.000 |" in lines


def test_transfer(tmp_path):
    made = page(tmp_path, "transfer.md")
    results = [
        transfer.Result("knn", 0.25).to_dict(),
        transfer.Result.over_draws("few_linear", [0.25, 0.75], {}).to_dict(),
    ]
    done = {"mine: digits: features": {"results": results}}
    (tmp_path / "transfer.json").write_text(json.dumps(done))
    given = (f"--output={tmp_path}", "--encoder=mine", "--datasets=digits")
    with imported("transfer", *given, folder="benchmarks") as benchmark:
        benchmark.write_tables(done)
    assert "| features | 0.250 | 0.500 ± 0.354 |" in made.read_text().splitlines()


def test_memory(tmp_path):
    made = page(tmp_path, "large_batches.md")
    rows = [
        {"batch": 1024, "plain": 1234.4, "chunked": 900.0},
        {"batch": 4096, "chunked": 1234.4},
    ]
    for _ in range(2):
        with imported("memory", f"--output={tmp_path}", folder="benchmarks") as bench:
            bench.write(rows, files)
    lines = made.read_text().splitlines()
    assert lines.count("| 1,024 | 1,234 | 900 |") == 1
    assert "| 4,096 | - | 1,234 |" in lines
    found = json.loads((tmp_path / "speed" / "memory.json").read_text())
    assert found["rows"] == rows and found["chunk"] == 256


def test_growth(tmp_path, monkeypatch):
    made = page(tmp_path, "speed.md")
    measured = []
    given = (f"--output={tmp_path}", "--series=width,queue")
    with imported("growth", *given, folder="benchmarks") as benchmark:

        def point(name, value):
            measured.append((name, value))
            return {"images_per_second": 1e4 / value, "peak_memory_mib": 900.4}

        monkeypatch.setattr(benchmark, "point", point)
        monkeypatch.setattr(benchmark, "plot", lambda *_: None)
        benchmark.main()
        # What is there is not measured again.
        benchmark.main()
    assert len(measured) == len(set(measured)) == 7
    lines = made.read_text().splitlines()
    first = lines.index("| width | 8 | 1,250 | 900 |")
    assert lines[first + 1].startswith("| width | 16 | 625 |")
    assert any(line.startswith("| queue | 65,536 | 0 |") for line in lines)


def test_export(tmp_path):
    made = page(tmp_path, "export.md")
    row = {"runtime": "onnxruntime 1", "bytes": 2_500_000}
    knn = transfer.Result("knn", 0.25, settings={"k": 200, "temperature": 0.1})
    counts = {"train_images": 10000, "test_images": 2000}
    done = {
        "file: mine: onnx": {**row, "largest_difference": 2.5e-7},
        "file: mine: litert, int8": {**row, "mean_cosine": 0.5},
        "knn: int8": {**row, "result": knn.with_settings(**counts).to_dict()},
    }
    with imported("export", f"--output={tmp_path}", folder="benchmarks") as benchmark:
        for _ in range(2):
            benchmark.write_tables(done)
    lines = made.read_text().splitlines()
    assert lines.count("| `mine` | onnx | onnxruntime 1 | 2.50 | 2.5e-07 |") == 1
    assert "| `mine` | litert, int8 | onnxruntime 1 | 2.50 | cosine 0.5000 |" in lines
    assert "| int8 | 2.50 | 0.2500 |" in lines
    assert any("first 10,000 training images" in line for line in lines)


def test_the_page_of_exports_has_what_was_measured():
    text = (ROOT / "docs" / "export.md").read_text()
    done = json.loads((ROOT / "docs" / "export.json").read_text())
    assert done
    for key, row in done.items():
        *_, name = key.split(": ")
        value = row.get("result", row).get("value")
        found = f"{value:.4f}" if value else f"{row['bytes'] / 1e6:.2f}"
        assert any(f"| {name} |" in x and found in x for x in text.splitlines()), key
        if "largest_difference" in row:
            assert row["largest_difference"] <= 1e-4


def test_what_is_committed_is_what_the_page_says():
    """The tables of docs/transfer.md are those of docs/transfer.json."""
    text = (ROOT / "docs" / "transfer.md").read_text()
    done = json.loads((ROOT / "docs" / "transfer.json").read_text())
    assert done
    for key, measured in done.items():
        values = [f"{result['value']:.3f}" for result in measured["results"]]
        rows = [
            line for line in text.splitlines() if f"| {key.split(': ')[2]} |" in line
        ]
        assert any(all(value in line for value in values) for line in rows), key


PAGES = {
    "transfer": "transfer",
    "methods": "methods",
    "joint": "methods",
    "memory": "large_batches",
    "export": "export",
    "equality": "reliability",
    "endurance": "reliability",
    "run": "speed",
    "steps": "speed",
    "growth": "speed",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_place_for_its_tables(name):
    text = (ROOT / "docs" / PAGES[name]).with_suffix(".md")
    with imported("pages", folder="benchmarks") as pages:
        before, found, rest = text.read_text().partition(pages.begin(name))
        assert found and pages.END in rest


def test_kills(tmp_path):
    made = page(tmp_path, "reliability.md")
    runs = {
        "plain": {"kills": {"before": 2, "within": 1}, "equal": True},
        "workers": {"kills": {"within": 1}, "equal": False, "others_ended_after": 9.5},
    }
    with imported("kills", f"--output={tmp_path}", folder="benchmarks") as benchmark:
        benchmark.write_table(runs)
    lines = made.read_text().splitlines()
    assert "| plain | 2 before, 1 within | yes |" in lines
    ended = "the other one ended within 9.5 s"
    assert f"| workers | 1 within; {ended} | **no** |" in lines


def test_the_subsets_that_are_written_down_are_those_that_are_drawn(tmp_path):
    given = ("--dataset=digits", f"--output={tmp_path}")
    with imported("subsets", *given, folder="benchmarks") as benchmark:
        benchmark.main()
    text = (tmp_path / "digits.json").read_text()
    assert text == (ROOT / "docs" / "subsets" / "digits.json").read_text()
    labels = data.load("digits", "train").labels
    found = json.loads(text)["subsets"]
    for count, draws in found.items():
        for seed, rows in enumerate(draws):
            drawn = transfer.few_label_indices(labels, int(count), seed=seed)
            assert rows == drawn.tolist()


@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist"])
def test_subsets_of_what_is_not_in_the_package_are_whole(name):
    found = json.loads((ROOT / "docs" / "subsets" / f"{name}.json").read_text())
    assert list(found["subsets"]) == ["1", "4", "25", "100"]
    for count, draws in found["subsets"].items():
        assert len(draws) == 5
        for rows in draws:
            assert len(set(rows)) == 10 * int(count) and sorted(rows) == rows
            assert 0 <= rows[0] and rows[-1] < found["images"]

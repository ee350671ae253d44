"""How benchmarks take turns with another program, and the tables of the turns."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from programs import ROOT, imported

# Greets, doubles what it is asked, and ends when nobody asks.
DOUBLE = """
import json, sys
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    (value,) = json.loads(line)
    if value < 0:
        sys.exit("below zero")
    print(2 * value, flush=True)
"""


@pytest.fixture
def peers():
    with imported("peers", folder="benchmarks") as module:
        yield module


@pytest.fixture
def double(peers, tmp_path):
    (tmp_path / "double.py").write_text(DOUBLE)
    peer = peers.Peer(sys.executable, str(tmp_path / "double.py"), needs="It needs x.")
    yield peer
    peer.close()


def test_a_peer_answers_in_its_turn(double):
    assert double.ask(3) == 6
    assert double.greeting == "ready"
    assert double.ask(4) == 8


def test_a_peer_that_ends_is_told_with_what_it_needs(double):
    with pytest.raises(RuntimeError, match="double.py has ended.*It needs x."):
        double.ask(-1)


def test_ours_is_compared_with_the_best_of_the_others(peers):
    speeds = {"ours": [4, 6, 8], "a": [1, 1, 9], "b": [2, 2, 2]}
    turns = {name: iter(values).__next__ for name, values in speeds.items()}
    found = peers.in_turn(3, turns)
    assert found["ours"] == {"name": "ours", "median": 6, "turns": [4, 6, 8]}
    assert found["theirs"]["name"] == "b"
    assert found["ratio"] == 3 and found["ratio_of_turns"] == [2, 4]


def test_the_tables_of_all_rows(tmp_path):
    for page in ("docs/speed.md", "README.md"):
        (tmp_path / Path(page).name).write_text((ROOT / page).read_text())
    (tmp_path / "speed").mkdir()
    row = {"ratio": 1.25, "ratio_of_turns": [1.1, 1.3]}
    sides = {"ours": {"peak_memory_mib": 800}, "theirs": {"peak_memory_mib": 400}}
    for name, found in {
        "knn": {"rows": {"knn": row}},
        "views": {"rows": {"224": row, "32": {"ours": 1}}},
        "steps": {"rows": {"gpu_32": row, "16_float32": {**row, **sides}}},
        "accuracy": {"rows": {"accuracy": {"ratio": 3.0}}},
    }.items():
        (tmp_path / "speed" / f"{name}.json").write_text(json.dumps(found))
    given = (f"--output={tmp_path}", "--nomeasure", f"--readme={tmp_path}/README.md")
    with imported("run", *given, folder="benchmarks") as benchmark:
        benchmark.main()
    kept = rows_of_all(tmp_path / "speed.md")
    assert [line.split(" | ")[0] for line in kept] == [
        "| step 16_float32",
        "| memory 256",
        "| step gpu_32",
        "| views 224",
        "| knn",
        "| accuracy",
    ]
    # What misses its mark is bold.
    assert "| **1.25** | 1.10 to 1.30 | 1.5 |" in kept[3]
    assert "| 1.25 | 1.10 to 1.30 | 1.0 |" in kept[4]
    # A race has no turns, and memory is the peak of all of them.
    assert "| 3.00 |  | 2.5 |" in kept[5]
    assert "batch 256, float32 | **0.50** |  | 1.0 |" in kept[1]
    # The short one says no more than what was measured.
    short = rows_of_all(tmp_path / "README.md")
    assert [line.split(" | ", 1)[1] for line in short] == [
        "0.50 |  |",
        "1.25 | 1.10 to 1.30 |",
        "1.25 | 1.10 to 1.30 |",
        "1.25 | 1.10 to 1.30 |",
        "3.00 |  |",
    ]


def rows_of_all(page):
    """Rows of the table of benchmarks/run.py in a page."""
    table = page.read_text().partition("benchmarks/run.py -->")[2]
    return table.partition("<!-- end")[0].strip().splitlines()[2:]


def test_the_tables_are_those_of_the_figures(tmp_path):
    """`python benchmarks/run.py --nomeasure --readme=README.md` writes them."""
    pages = {name: ROOT / name for name in ("README.md", "docs/speed.md")}
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "speed").symlink_to(ROOT / "docs" / "speed")
    for name, page in pages.items():
        (tmp_path / name).write_text(page.read_text())
    given = (f"--output={tmp_path}/docs", f"--readme={tmp_path}/README.md")
    with imported("run", *given, "--nomeasure", folder="benchmarks") as benchmark:
        benchmark.main()
    for name, page in pages.items():
        assert (tmp_path / name).read_text() == page.read_text()


def test_the_table_of_steps(tmp_path):
    (tmp_path / "speed.md").write_text((ROOT / "docs" / "speed.md").read_text())
    (tmp_path / "speed").mkdir()
    given = (f"--output={tmp_path}", "--nomeasure")
    side = {"device": "2 CPU cores", "median": 1234.5}
    with imported("steps", *given, folder="benchmarks") as benchmark:
        found = {
            "row": benchmark.ROWS["16_float32"],
            "ours": {**side, "peak_memory_mib": 800},
            "theirs": {**side, "median": 617.0, "peak_memory_mib": 900},
            "ratio": 2.0,
            "ratio_of_turns": [1.9, 2.1],
        }
        file = tmp_path / "speed" / "steps.json"
        file.write_text(json.dumps({"rows": {"16_float32": found}}))
        benchmark.main()
    line = "| 2 CPU cores | 1,234 | 617 | 2.0 | 1.9 to 2.1 | 800 / 900 |"
    assert line in (tmp_path / "speed.md").read_text()


@pytest.mark.parametrize("program", ["run", "steps"])
def test_unknown_rows_are_refused(program):
    with (
        imported(program, "--rows=stpe", folder="benchmarks") as benchmark,
        pytest.raises(ValueError, match="--rows must be of .*Received: .*stpe"),
    ):
        benchmark.main()


# Takes 10 s for each epoch, and leaves features that tell more of the classes.
LEARNS = """
import json, sys
import numpy as np
print(json.dumps({"batch_size": 4}), flush=True)
random = np.random.default_rng(0)
for epoch, line in enumerate(sys.stdin):
    (file,) = json.loads(line)
    classes = np.arange(60)[:, None] % 2
    x = epoch * classes + random.normal(size=(60, 1)) / 10
    np.savez(file, train=x, held_out=x)
    print(10.0, flush=True)
"""


def test_a_race_ends_at_its_goal(tmp_path):
    (tmp_path / "learns.py").write_text(LEARNS)
    labels = dict.fromkeys(("train", "held_out"), np.arange(60) % 2)
    with imported("accuracy", "--goal=0.9", folder="benchmarks") as benchmark:
        file = tmp_path / "images.npz"
        run = benchmark.Run(sys.executable, tmp_path / "learns.py", file, epochs=5)
        while run.goes_on:
            run.epoch(labels)
        run.peer.close()
        found = run.found()
    # The first epoch says nothing of the classes, the second all.
    (first, low), (second, high) = found["points"]
    assert low < 0.9 <= high
    assert second - first == pytest.approx(10.0)
    assert first == pytest.approx(found["start"] + 10.0, abs=0.11)
    assert found["reached"] == second and found["batch_size"] == 4


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("method", ["simclr", "moco_v2", "dino", "mae"])
def test_our_side_of_the_steps(tmp_path, monkeypatch, method):
    """A turn of `fit`, without a peer."""
    (tmp_path / "speed.md").write_text((ROOT / "docs" / "speed.md").read_text())
    given = (f"--output={tmp_path}", "--rows=16_float32", "--rounds=2")
    with imported("steps", *given, folder="benchmarks") as benchmark:
        small = {"width": 4, "batch": 8, "steps": 2, "precision": "float32"}
        name = method if method in benchmark.ROWS else "16_float32"
        row = {**benchmark.ROWS[name], **small}
        if method == "mae":
            row["width"] = 64
        monkeypatch.setitem(benchmark.ROWS, "16_float32", row)
        benchmark.main()
    figures = json.loads((tmp_path / "speed" / "steps.json").read_text())
    found = figures["rows"]["16_float32"]
    assert len(found["ours"]["turns"]) == 2
    assert found["ours"]["median"] == pytest.approx(
        sum(found["ours"]["turns"]) / 2, 1e-3
    )
    assert found["ours"]["weights"] < (700_000 if method == "mae" else 100_000)
    assert found["row"]["batch"] == 8 and "theirs" not in found

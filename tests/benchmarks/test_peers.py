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


def test_every_second_round_goes_the_other_way(peers):
    said = []
    sides = {name: lambda name=name: said.append(name) or 1.0 for name in "abc"}
    peers.in_turn(3, {"ours": lambda: said.append("ours") or 1.0, **sides})
    there = ["ours", "a", "b", "c"]
    assert said == there + there[::-1] + there


def test_a_row_is_kept_beside_the_others(peers, tmp_path):
    compared = {"ratio": 2.0, "theirs": {}}
    peers.keep(tmp_path, "steps", "a", compared)
    peers.keep(tmp_path, "steps", "b", {"ours": 1})
    peers.keep(tmp_path, "steps", "b", {"ours": 2})
    # What was compared is worth more than what was not.
    peers.keep(tmp_path, "steps", "a", {"ours": 3})
    rows = json.loads((tmp_path / "speed" / "steps.json").read_text())["rows"]
    assert rows == {"a": compared, "b": {"ours": 2}}


def test_both_sides_keep_their_memory(peers, tmp_path):
    code = "import json, os; print(json.dumps(os.environ['MALLOC_MMAP_MAX_']))"
    (tmp_path / "told.py").write_text(code)
    peer = peers.Peer(sys.executable, str(tmp_path / "told.py"), needs="")
    assert peer.greeting == "0"
    peer.close()


# What libraries print is no answer.
PRINTS = """
import sys
sys.path.insert(0, {folder!r})
import turns
print("a warning")
turns.answer("ready")
for (value,) in turns.asked():
    print("another")
    turns.answer(value + 1)
"""


def test_what_is_printed_is_no_answer(peers, tmp_path):
    code = PRINTS.format(folder=str(ROOT / "benchmarks"))
    (tmp_path / "prints.py").write_text(code)
    peer = peers.Peer(sys.executable, str(tmp_path / "prints.py"), needs="")
    assert peer.greeting == "ready" and peer.ask(4) == 5
    peer.close()


@pytest.mark.parametrize(
    "ours, theirs, expected",
    [
        (10.0, 30.0, {"ratio": 3.0}),
        (10.0, None, {"ratio": 5.0, "bound": "more than"}),
        (None, 25.0, {"ratio": 0.5, "bound": "less than"}),
        (None, None, {}),
    ],
)
def test_a_race_that_one_side_does_not_end_has_a_bound(ours, theirs, expected):
    def side(reached):
        return {"reached": reached, "points": [(20.0, 0.1), (50.0, 0.2)]}

    with imported("accuracy", folder="benchmarks") as benchmark:
        assert benchmark.compared(side(ours), side(theirs)) == expected
        assert benchmark.compared(side(ours)) == {}


def test_the_tables_of_all_rows(tmp_path):
    for page in ("docs/speed.md", "README.md"):
        (tmp_path / Path(page).name).write_text((ROOT / page).read_text())
    (tmp_path / "speed").mkdir()
    sides = {
        "ours": {"turns": [1, 2, 3], "peak_memory_mib": 800},
        "theirs": {"peak_memory_mib": 400},
    }
    day = {"date": "2026-01-02T03:04"}
    row = {**day, "ratio": 1.25, "ratio_of_turns": [1.1, 1.3], **sides}
    for name, found in {
        "knn": {"rows": {"knn": {**row, "quick": True}}},
        "views": {"rows": {"224": row, "32": {"ours": 1}}},
        "steps": {"rows": {"gpu_32": row, "16_float32": row}},
        "accuracy": {"rows": {"accuracy": {**day, "ratio": 3.0, "bound": "more than"}}},
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
    assert "| **1.25** | 1.10 to 1.30 | 3 | 1.5 | 2026-01-02 |" in kept[3]
    assert "faiss, in short turns | 1.25 | 1.10 to 1.30 | 3 | 1.0 |" in kept[4]
    # A race has no turns, and memory is the peak of all of them.
    assert "| more than 3.00 |  |  | 2.5 |" in kept[5]
    assert "batch 256, float32 | **0.50** |  |  | 1.0 |" in kept[1]
    # The short one says no more than what was measured.
    short = rows_of_all(tmp_path / "README.md")
    assert [line.split(" | ", 1)[1] for line in short] == [
        "0.50 |  |",
        "1.25 | 1.10 to 1.30 |",
        "1.25 | 1.10 to 1.30 |",
        "1.25 | 1.10 to 1.30 |",
        "more than 3.00 |  |",
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
    assert (file is None) == (epoch < 2)
    if file is None:
        print(10.0, flush=True)
        continue
    classes = np.arange(60)[:, None] % 2
    x = (epoch - 2) * classes + random.normal(size=(60, 1)) / 10
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
    # Two of five epochs are not measured. The third says nothing of the classes, the
    # fourth all.
    (first, low), (second, high) = found["points"]
    assert low < 0.9 <= high
    assert second - first == pytest.approx(10.0)
    assert first == pytest.approx(found["start"] + 30.0, abs=0.11)
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

"""scripts/compare.py --methods: which runs it makes, and what it keeps of them."""

import json
import os
from pathlib import Path

import pytest
from programs import imported, run, write_npz

SECONDS = {"simclr": 0.1, "byol": 0.5}
VALUES = {"simclr": 0.6, "byol": 0.7}


class Programs:
    """In the place of the programs: writes what they would have measured."""

    def __init__(self):
        self.calls = []
        self.cores = []
        # Evaluations that are still to break off in the middle.
        self.broken = 0

    def __call__(self, program, *flags):
        self.calls.append((program, flags))
        if hasattr(os, "sched_getaffinity"):
            self.cores.append((program, frozenset(os.sched_getaffinity(0))))
        given = dict(flag.lstrip("-").partition("=")[::2] for flag in flags)
        if program == "steptime":
            method = given["method"]
            return "a line before\n" + json.dumps(
                {
                    "network": ["encoder", "resnet10", 8, {}, 16],
                    "weights": 100,
                    "batch_size": 10,
                    "num_images": 109,
                    "seconds": SECONDS[method],
                    "peak_memory_mib": 512.0,
                }
            )
        if program == "evaluate":
            output = given["output"]
            seed = int(output[output.index("seed-") + 5])
            value = 0.1 if "untrained" in output else VALUES[output.split("/")[-3]]
            results = [{"protocol": "knn", "value": value + 0.02 * seed}] * 4
            with open(output, "w") as file:
                json.dump({"results": results[: 1 if self.broken else 4]}, file)
            if self.broken:
                self.broken -= 1
                raise RuntimeError("evaluate has been killed")
        if program == "pretrain":
            folder = Path(given["workdir"])
            folder.mkdir(parents=True, exist_ok=True)
            settings = {"settings": {"epochs": int(given["epochs"])}}
            (folder / "run.json").write_text(json.dumps(settings))

    def runs(self):
        return [flags for program, flags in self.calls if program == "pretrain"]


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """A comparison whose programs are `Programs`."""
    with imported("compare", "--dataset=digits", "--methods=all") as compare:
        budget = compare.budget
        made = budget.Comparison(tmp_path, 1.0, ["--dataset=d"], lambda method: ["-x"])
        made.module = budget
        made.programs = Programs()
        monkeypatch.setattr(budget, "call", made.programs)
        yield made


def test_all_methods_get_as_many_epochs_as_fit_into_the_minutes(compared):
    rows = compared.run(["simclr", "byol"], [0, 1])
    # 10 steps an epoch: 1 s and 5 s.
    assert [row["epochs"] for row in rows] == [60, 12, 60, 12]
    assert [row["seed"] for row in rows] == [0, 0, 1, 1]
    trained = [flags for flags in compared.programs.runs() if "--epochs=0" not in flags]
    assert [flags[0] for flags in trained] == 2 * ["--method=simclr", "--method=byol"]
    assert all({"--dataset=d", "-x", "--noreport"} <= set(flags) for flags in trained)


def test_a_measurement_that_was_broken_off_is_made_again(compared):
    compared.programs.broken = 1
    with pytest.raises(RuntimeError, match="killed"):
        compared.run(["simclr"], [0])
    (row,) = compared.run(["simclr"], [0])
    assert len(row["results"]) == len(row["untrained"]) == 4


@pytest.mark.parametrize("jobs", [1, 4])
def test_an_untrained_network_is_measured_once_for_all_that_share_it(compared, jobs):
    compared.shares = compared.module.shares(jobs)
    rows = compared.run(["simclr", "byol"], [0, 1])
    untrained = [flags for flags in compared.programs.runs() if "--epochs=0" in flags]
    assert len(untrained) == 2
    assert rows[0]["untrained"] == rows[1]["untrained"] != rows[2]["untrained"]


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="the system gives a process no cores, or there is one",
)
def test_runs_at_a_time_have_cores_of_their_own_and_are_timed_on_as_many(compared):
    before = os.sched_getaffinity(0)
    compared.shares = compared.module.shares(2)
    one, other = map(frozenset, compared.shares)
    assert len(one) == len(other) == len(before) // 2 and not one & other
    rows = compared.run(["simclr", "byol"], [0, 1, 2])
    seen = compared.programs.cores
    assert {cores for program, cores in seen if program == "steptime"} == {one}
    assert {cores for program, cores in seen if program != "steptime"} <= {one, other}
    assert all(row["cores"] == len(one) for row in rows)
    assert os.sched_getaffinity(0) == before


def test_steps_are_timed_anew_for_another_share_of_the_cores(compared, monkeypatch):
    monkeypatch.setattr(compared.module, "bind", lambda cores: None)
    for shares in ([{0}, {1}], [{0}, {1}, {2}], [{0, 1}]):
        compared.shares = shares
        compared.run(["simclr"], [0])
    assert [p for p, _ in compared.programs.calls].count("steptime") == 2


def test_with_fewer_cores_than_runs_all_have_all(compared, monkeypatch):
    monkeypatch.setattr(compared.module, "available_cores", lambda: {3, 5, 8})
    assert compared.module.shares(4) == 4 * [{3, 5, 8}]
    assert compared.module.shares(2) == [{3}, {5}]


def test_what_is_done_is_not_done_again(compared):
    compared.run(["simclr"], [0])
    before = len(compared.programs.calls)
    rows = compared.run(["simclr", "byol"], [0])
    programs = [program for program, _ in compared.programs.calls[before:]]
    assert programs == ["steptime", "pretrain", "evaluate"]
    kept = json.loads((compared.workdir / "results.json").read_text())
    assert kept == rows and len(kept) == 2


def test_a_run_of_another_budget_is_not_taken_for_one_of_this(compared):
    compared.run(["simclr"], [0])
    compared.minutes = 2.0
    with pytest.raises(ValueError, match="60 epochs, and this budget has time for 120"):
        compared.run(["simclr"], [0])


@pytest.mark.parametrize(
    "change, told",
    [
        ({"data_flags": ["--dataset=e"]}, "untrained.* --dataset=d, .* --dataset=e"),
        ({"measure_flags": ["--k=5"]}, "untrained.* --dataset=d, .* --dataset=d --k=5"),
        ({"train_flags": lambda method: ["-y"]}, "simclr/seed-0 .* -x, .* -y"),
    ],
)
def test_a_run_of_other_flags_is_not_taken_for_one_of_these(compared, change, told):
    compared.run(["simclr"], [0])
    for name, value in change.items():
        setattr(compared, name, value)
    with pytest.raises(ValueError, match=f"{told}. Choose another workdir"):
        compared.run(["simclr"], [0])


def test_the_best_is_the_first_line_of_the_table(compared):
    rows = compared.run(["simclr", "byol"], [0, 1])
    _, first, second = compared.module.table(rows).splitlines()
    assert first.split()[:7] == ["byol", "12", "10", "500", "512", "0.710", "±"]
    assert second.startswith("simclr")


def test_more_flags_are_for_all_or_for_some():
    given = ("--pretrain=--encoder_width=16 --epochs=3", "--pretrain=byol, x: --stem=a")
    with imported("compare", "--methods=all", *given) as compare:
        assert compare.pretrain_flags("mae") == ["--encoder_width=16", "--epochs=3"]
        assert compare.pretrain_flags("byol")[2:] == ["--stem=a"]


def test_a_comparison_is_as_the_flags_say(tmp_path, monkeypatch):
    given = (f"--workdir={tmp_path}", "--dataset=digits", "--methods=simclr,byol")
    given += ("--budget_minutes=2", "--jobs=3", "--k=7", "--seeds=1,2")
    made = []
    with imported("compare", *given) as compare:
        budget = compare.budget
        monkeypatch.setattr(budget, "available_cores", lambda: set(range(6)))
        monkeypatch.setattr(budget.Comparison, "run", lambda *a: made.append(a) or [])
        compare.train_methods()
    ((comparison, *asked),) = made
    assert asked == [["simclr", "byol"], [1, 2]]
    assert comparison.shares == [{0, 1}, {2, 3}, {4, 5}]
    assert (comparison.minutes, comparison.measure_flags) == (2, ["--k=7"])
    assert "--dataset=digits" in comparison.data_flags


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "Give workdirs of runs, or --methods"),
        (["--methods=simclr"], "Set --dataset"),
        (["--methods=simclr", "--dataset=digits"], "Set --workdir"),
        (["--methods=simclr3"], "must be all, or some of"),
        (["--methods=all", "--seeds=a"], "whole numbers"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, message):
    assert message in run("compare", *arguments, fails=True)


@pytest.mark.slow
@pytest.mark.matrix
def test_a_method_on_a_small_set(tmp_path):
    write_npz(tmp_path / "data.npz")
    out = run(
        "compare",
        "--methods=joint",
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        "--budget_minutes=0",
        "--pretrain=--encoder_width=4 --batch_size=64",
        "--pretrain=joint: --labels_per_class=5",
        "--k=10",
        f"--workdir={tmp_path / 'runs'}",
        f"--output={tmp_path / 'page.html'}",
    )
    assert "25 labels per class" in out
    (row,) = json.loads((tmp_path / "runs" / "results.json").read_text())
    assert row["epochs"] == 1
    assert len(row["results"]) == len(row["untrained"]) == 4
    assert "method=joint" in (tmp_path / "page.html").read_text()
    assert (tmp_path / "runs" / "joint" / "seed-0" / "classifier.keras").exists()

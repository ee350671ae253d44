"""Methods under one budget: each is trained for the same time, and measured."""

import contextlib
import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).parent
LABELS_PER_CLASS = (5, 25)
# Beside the results of a run, what it was made with.
_FLAGS = "flags.json"
# What a row keeps of the time of its steps.
_TIMED = ("seconds", "peak_memory_mib", "batch_size", "weights", "cores")


class Comparison:
    """Methods, each trained for as many epochs as the budget has time for.

    All that was done is kept in the folder, so that the same call goes on. The steps of
    all methods are timed first, one after the other; a run then has a number of epochs,
    and does not depend on what else the machine does. Several runs at a time have cores
    of their own, and the steps are timed on as many.

    Args:
        workdir: folder of the runs, of `steps.json`, the times, and of `results.json`.
        minutes: float, of training steps for each run; starting, compiling and
            measuring come on top.
        data_flags: list of strings, the flags of the data for all programs.
        train_flags: function of a method's name that returns a list of strings, what
            else `pretrain` gets.
        measure_flags: list of strings, what else `evaluate` gets.
        jobs: int, runs at a time. Defaults to 1.
    """

    def __init__(
        self, workdir, minutes, data_flags, train_flags, measure_flags=(), jobs=1
    ):
        self.workdir = Path(workdir)
        self.minutes = minutes
        self.data_flags = list(data_flags)
        self.train_flags = train_flags
        self.measure_flags = list(measure_flags)
        self.shares = shares(jobs)
        # Methods share untrained networks: the first one measures it.
        self._untrained = defaultdict(threading.Lock)

    def run(self, methods, seeds):
        """Trains and measures what is not done yet.

        Args:
            methods: list of names.
            seeds: list of ints.

        Returns:
            List of dicts, see `results.json`.

        Raises:
            RuntimeError: if a program fails.
            ValueError: if the folder has a run of another number of epochs, or one that
                was made with other flags.
        """
        from tfssl import files

        self.workdir.mkdir(parents=True, exist_ok=True)
        with on_cores(self.shares[0]):
            times = {method: self.step_time(method) for method in methods}
        runs = [(method, seed) for seed in seeds for method in methods]
        rows = []
        # Each thread, and what it starts, has a share of its own.
        free = iter(self.shares)
        jobs = len(self.shares)
        with ThreadPoolExecutor(jobs, initializer=lambda: bind(next(free))) as pool:
            for row in pool.map(lambda run: self.row(*run, times[run[0]]), runs):
                rows.append(row)
                files.write_text(
                    self.workdir / "results.json", json.dumps(rows, indent=1) + "\n"
                )
        return rows

    def step_time(self, method):
        """What `steptime` says of a method: a dict."""
        from tfssl import files

        file = self.workdir / "steps.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        flags = [*self.data_flags, *self.train_flags(method)]
        made = {"flags": flags, "cores": len(self.shares[0])}
        if not made.items() <= known.get(method, {}).items():
            print(f"Timing {method}", flush=True)
            line = call("steptime", f"--method={method}", *flags, "--json")
            known[method] = {**json.loads(line.splitlines()[-1]), **made}
            files.write_text(file, json.dumps(known, indent=1) + "\n")
        return known[method]

    def row(self, method, seed, time):
        """A run and its results; and those of its network untrained."""
        epochs = self.epochs(time)
        network = f"{time['network'][1]}-{_digest(time['network'])}"
        before = self.workdir / "untrained" / network / f"seed-{seed}"
        with self._untrained[before]:
            untrained = self.measured(method, seed, 0, before)
        run = {"method": method, "seed": seed}
        trained = self.measured(method, seed, epochs, self.folder(run))
        return {
            **run,
            "epochs": epochs,
            "minutes": self.minutes,
            **{name: time[name] for name in _TIMED},
            "results": trained,
            "untrained": untrained,
        }

    def folder(self, row):
        """Where the run of a row is."""
        return self.workdir / row["method"] / f"seed-{row['seed']}"

    def epochs(self, time):
        """How many the budget has time for, at least one."""
        steps = time["num_images"] // time["batch_size"]
        return max(int(60 * self.minutes / (time["seconds"] * steps)), 1)

    def measured(self, method, seed, epochs, folder):
        """The results of a run, which is made if it is not there: a list of dicts."""
        from tfssl import files

        output = folder / "evaluation.json"
        flags = [*self.data_flags, *self.measure_flags]
        if epochs:
            # An untrained network may be that of several methods.
            flags += self.train_flags(method)
        if output.exists():
            self._check_epochs(folder, epochs)
            self._check_flags(folder, flags)
        else:
            print(f"{method}, seed {seed}, {epochs} epochs", flush=True)
            call(
                "pretrain",
                f"--method={method}",
                *self.data_flags,
                *self.train_flags(method),
                f"--seed={seed}",
                f"--epochs={epochs}",
                f"--workdir={folder}",
                "--knn_every=0",
                "--noreport",
                # Weak is a result, too.
                "--nostop_unhealthy",
            )
            # It has a line of each protocol as soon as that is done.
            unfinished = folder / "unfinished.json"
            call(
                "evaluate",
                f"--encoder={folder / 'encoder.keras'}",
                *self.data_flags,
                "--protocol=knn,linear,few_linear",
                f"--labels_per_class={','.join(map(str, LABELS_PER_CLASS))}",
                *self.measure_flags,
                f"--output={unfinished}",
            )
            files.write_text(folder / _FLAGS, json.dumps(flags) + "\n")
            unfinished.replace(output)
        return json.loads(output.read_text())["results"]

    def _check_epochs(self, folder, epochs):
        """Refuses a run of another length, as after a change of the budget."""
        done = json.loads((folder / "run.json").read_text())["settings"]["epochs"]
        if done != epochs:
            raise ValueError(
                f"{folder} is a run of {done} epochs, and this budget has time for "
                f"{epochs}. Choose another workdir. Received: {self.minutes:g} minutes"
            )

    def _check_flags(self, folder, flags):
        """Refuses what was measured on other data, or in another way."""
        file = folder / _FLAGS
        known = json.loads(file.read_text()) if file.exists() else None
        if known != flags:
            raise ValueError(
                f"{folder} was made with {_told(known)}, and is now asked for with "
                f"{_told(flags)}. Choose another workdir, or remove that folder."
            )


def _told(flags):
    if flags is None:
        return "flags that are not known"
    return " ".join(flags) or "no flags"


def shares(jobs):
    """The cores of each of several runs at a time: a list of sets of ints.

    Cores are left over where they cannot be shared evenly. With fewer cores than runs,
    all runs have all of them.

    Args:
        jobs: int, runs at a time.
    """
    cores = sorted(available_cores())
    each = len(cores) // jobs
    if not each:
        return jobs * [set(cores)]
    return [set(cores[n * each : (n + 1) * each]) for n in range(jobs)]


def available_cores():
    """Of this process, by number."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def bind(cores):
    """Keeps this thread, and what it starts, to some cores, where a system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def on_cores(cores):
    """The block, and what it starts, has these cores alone."""
    before = available_cores()
    bind(cores)
    try:
        yield
    finally:
        bind(before)


def _digest(network):
    """Some letters that tell networks apart."""
    return hashlib.sha256(json.dumps(network).encode()).hexdigest()[:8]


def call(program, *flags):
    """What a program prints.

    Raises:
        RuntimeError: if it fails, with the end of what it said.
    """
    done = subprocess.run(
        [sys.executable, FOLDER / f"{program}.py", *flags],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode:
        raise RuntimeError(
            f"{program} {' '.join(flags)} failed:\n{done.stderr[-2000:]}"
        )
    return done.stdout


HEADING = (
    "method",
    "epochs",
    "images a step",
    "ms a step",
    "memory, MiB",
    "kNN",
    "linear",
    *(f"{count} labels per class" for count in LABELS_PER_CLASS),
)


def cells(rows, results="results"):
    """A line of the table: what the runs of a method came to.

    Args:
        rows: list of dicts of one method, a seed each.
        results: "results", or "untrained" for those of its network before training.

    Returns:
        Tuple of strings, one for each of `HEADING`.
    """
    first = rows[0]
    measured = (
        _mean([row[results][at]["value"] for row in rows])
        for at in range(len(first[results]))
    )
    costs = ("0", "", "", "")
    if results == "results":
        costs = (
            str(first["epochs"]),
            str(first["batch_size"]),
            f"{1000 * first['seconds']:.0f}",
            f"{first['peak_memory_mib']:.0f}",
        )
    return first["method"], *costs, *measured


def table(rows):
    """The methods as text, the best by 25 labels per class first.

    Args:
        rows: list of dicts, see `Comparison`.

    Returns:
        String.
    """
    lines = [HEADING, *(cells(of_one) for of_one in by_method(rows))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def by_method(rows):
    """Rows of a method together, the best by the last column first: a list of lists."""
    methods = {}
    for row in rows:
        methods.setdefault(row["method"], []).append(row)

    def quality(of_one):
        return -sum(row["results"][-1]["value"] for row in of_one) / len(of_one)

    return sorted(methods.values(), key=quality)


def _mean(values):
    """Mean over the seeds, and their sample standard deviation."""
    if not values[1:]:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"

"""A program of another environment, or of ours, that waits for its turns."""

import datetime
import json
import os
import statistics
import subprocess
from pathlib import Path

# What `tfssl.runs.devices.keep_memory` asks of the C library, for other programs.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


class Peer:
    """A process that is asked in lines of JSON and answers in lines of JSON.

    It speaks first, when it is ready. Its memory is kept as ours is: see
    `tfssl.runs.set_up`.

    Args:
        *command: strings, the program and its arguments.
        needs: string, what to say of the environment if the program ends by itself.

    Attributes:
        greeting: what it said first.
    """

    def __init__(self, *command, needs):
        self.needs = needs
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | KEEP_MEMORY,
        )

    @property
    def greeting(self):
        if not hasattr(self, "_greeting"):
            self._greeting = self._answer()
        return self._greeting

    def ask(self, *values):
        """What it answers to a line of values."""
        _ = self.greeting
        self.process.stdin.write(json.dumps(values) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"{self.process.args[1]} has ended; its message is above. {self.needs}"
            )
        return json.loads(line)


def compared(ours, theirs):
    """Medians of turns, and their ratio.

    Args:
        ours, theirs: lists of floats, the speed in each turn.

    Returns:
        Dict: `ratio`, of the medians, and `ratio_of_turns`, the least and the largest.
    """
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "ratio": round(statistics.median(ours) / statistics.median(theirs), 2),
        "ratio_of_turns": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def processor():
    """The machine's processor in words."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()}, {os.cpu_count()} cores"
    return f"{os.cpu_count()} cores"


def in_turn(rounds, sides):
    """Speeds of several, measured one after the other, round after round.

    Every second round goes the other way, so that what grows slower with time, as a
    processor does that grows warm, is not always the same one.

    Args:
        rounds: int.
        sides: dict of functions of nothing that return a speed; one is "ours".

    Returns:
        Dict: of "ours", and of "theirs", the best of the others by its median, the
        `median`, `turns` and name; and their ratios.
    """
    turns = {name: [] for name in sides}
    for i in range(rounds):
        for name in list(sides) if i % 2 == 0 else reversed(sides):
            turns[name].append(sides[name]())
    medians = {name: statistics.median(speeds) for name, speeds in turns.items()}

    def about(name):
        rounded = [round(speed, 3) for speed in turns[name]]
        return {"name": name, "median": round(medians[name], 3), "turns": rounded}

    others = [name for name in sides if name != "ours"]
    if not others:
        return {"ours": about("ours")}
    best = max(others, key=medians.get)
    return {
        "ours": about("ours"),
        "theirs": about(best),
        **compared(turns["ours"], turns[best]),
    }


def keep(folder, program, name, found):
    """Puts the figures of a row into `FOLDER/speed/PROGRAM.json`, beside the others.

    A row that was compared is not replaced by one that was not.

    Args:
        folder: path of docs/.
        program, name: strings, of the program and its row.
        found: dict, with what `in_turn` returned.
    """
    from tfssl import files

    file = Path(folder) / "speed" / f"{program}.json"
    rows = json.loads(file.read_text())["rows"] if file.exists() else {}
    print(f"{name}: {json.dumps(found)}", flush=True)
    if "theirs" in rows.get(name, {}) and "theirs" not in found:
        print(f"{file} keeps its row {name}, which was compared; this one is not.")
        return
    rows[name] = found
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(file, json.dumps({"rows": rows}, indent=1) + "\n")
    print(f"Look at {file}")


def described(versions, commit, quick=False):
    """Where, when and how something is measured.

    Args:
        versions, commit: of `tfssl.files`.
        quick: bool, whether in short turns. Defaults to False.

    Returns:
        Dict.
    """
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        # With somebody else at work only ratios of turns say something.
        "load_before": round(os.getloadavg()[0], 2),
        "versions": versions,
        "commit": commit,
        **({"quick": True} if quick else {}),
    }

"""A program of another environment, or of ours, that waits for its turns."""

import json
import os
import statistics
import subprocess
from pathlib import Path


class Peer:
    """A process that is asked in lines of JSON and answers in lines of JSON.

    It speaks first, when it is ready.

    Args:
        *command: strings, the program and its arguments.
        needs: string, what to say of the environment if the program ends by itself.

    Attributes:
        greeting: what it said first.
    """

    def __init__(self, *command, needs):
        self.needs = needs
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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

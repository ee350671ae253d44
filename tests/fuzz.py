"""Reads files that have something wrong in them.

    python tests/fuzz.py --count=1000 --seed=0

Of each kind (images, npz, index, metadata, examples and `.keras` files of a zoo,
checkpoints of others) so many mutated files are read. Each must be read right or
refused by an error that names it, within 20 seconds, leave no file behind, and take no
more memory than 4 times its size + 1 GiB. Prints a table, and every file that did
something else:
`--kind=keras --start=17 --count=1` reads that one again. Each kind is read by a process
of its own, so that the end of it, or a file that takes for ever, is noticed.
"""

import argparse
import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LIMIT = 20  # seconds a file
_START = 300  # seconds until the first
GIB = 2**30
KINDS = ("image", "npz", "index", "metadata", "examples", "keras", "checkpoint")


class TooSlow(BaseException):
    """Not an Exception: no reader takes it for one of its own."""


def cases(kind, seed, start, count):
    """Yields the number, name and content of mutated files."""
    from fuzz_targets import TARGETS
    from mutations import mutated

    good = list(TARGETS[kind].good())
    contents = [content for _, content in good]
    for number in range(start, start + count):
        chance = random.Random(f"{seed} {kind} {number}")
        name, content = chance.choice(good)
        yield number, name, mutated(content, contents, chance)


def tried(kind, folder, name, content):
    """Reads one file.

    Returns:
        Tuple of "read", "refused" or "wrong", and why.
    """
    from fuzz_targets import TARGETS

    target = TARGETS[kind]
    target.put(folder, name, content)
    before, held = sorted(folder.rglob("*")), _memory("VmRSS")
    _forget_peak()
    outcome, why = _read(target, folder, name)
    grown = _memory("VmHWM") - held
    if grown > 4 * len(content) + GIB:
        outcome, why = "wrong", f"took {grown / GIB:.1f} GiB for {len(content)} bytes"
    left = {str(path) for path in {*folder.rglob("*")} ^ {*before}}
    if left:
        outcome, why = "wrong", f"left or removed {sorted(left)}"
    return outcome, why


def _read(target, folder, name):
    def stop(*_):
        raise TooSlow

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        try:
            target.read(folder, name)
        finally:
            signal.alarm(0)
    except target.errors as error:
        why = f"{type(error).__name__}: {error}"
        return ("refused" if target.told(folder, name, error) else "wrong"), why
    except TooSlow:
        return "wrong", f"took more than {LIMIT} seconds"
    except Exception as error:
        return "wrong", f"{type(error).__name__}: {error}"
    return "read", ""


def _memory(key):
    """Bytes that /proc/self/status tells; 0 where there is none."""
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith(key))
    except (OSError, StopIteration):
        return 0
    return int(line.split()[1]) * 1024


def _forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def work(kind, seed, start, count):
    """Tries the files of one kind; prints a line of JSON for each."""
    import keras

    keras.utils.set_random_seed(0)  # the good files are always the same
    os.environ["KERAS_HOME"] = os.getcwd()
    folder = Path.cwd() / "files"
    folder.mkdir()
    for number, name, content in cases(kind, seed, start, count):
        began = time.monotonic()
        outcome, why = tried(kind, folder, name, content)
        seconds = time.monotonic() - began
        print(json.dumps([number, outcome, why, seconds]), flush=True)


def watched(kind, seed, start, count):
    """The lines of `work` in another process, which is begun again if it ends early."""
    end = start + count
    while start < end:
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "TMPDIR": folder, "TF_CPP_MIN_LOG_LEVEL": "3"}
            command = [sys.executable, os.path.abspath(__file__), f"--work={kind}"]
            command += [f"--seed={seed}", f"--start={start}", f"--count={end - start}"]
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            lines = queue.Queue()
            reader = threading.Thread(target=_pass_on, args=(process.stdout, lines))
            reader.start()
            patience = _START
            try:
                while line := lines.get(timeout=patience):
                    if not line.startswith("["):
                        continue
                    result = json.loads(line)
                    start, patience = result[0] + 1, 2 * LIMIT
                    yield result
                why = "" if process.wait() == 0 else f"process ended {process.wait()}"
            except queue.Empty:
                why = f"nothing for {patience} seconds"
            finally:
                process.kill()
                process.wait()
                reader.join()
        if start < end:
            yield [start, "wrong", why or "the process ended", 0]
            start += 1


def _pass_on(stream, lines):
    for line in stream:
        lines.put(line)
    lines.put("")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first file")
    parser.add_argument("--kind", choices=KINDS, help="one kind; all if not given")
    parser.add_argument("--work", choices=KINDS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(chosen.work, chosen.seed, chosen.start, chosen.count)
        return 0
    print(
        "| kind | tried | read | refused | wrong | slowest |\n|---|---|---|---|---|---|"
    )
    strange = []
    for kind in [chosen.kind] if chosen.kind else KINDS:
        counts, slowest = {"read": 0, "refused": 0, "wrong": 0}, 0
        results = watched(kind, chosen.seed, chosen.start, chosen.count)
        for number, outcome, why, seconds in results:
            counts[outcome] += 1
            slowest = max(slowest, seconds)
            if outcome == "wrong":
                strange.append(f"{kind} {number}: {why}")
        told = " | ".join(map(str, [sum(counts.values()), *counts.values()]))
        print(f"| {kind} | {told} | {slowest:.1f} s |", flush=True)
    print("\n".join(strange))
    return 1 if strange else 0


if __name__ == "__main__":
    sys.exit(main())

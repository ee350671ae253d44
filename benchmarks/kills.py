"""Runs that are killed again and again: do they end like unbroken ones?

    python benchmarks/kills.py
    python benchmarks/kills.py --kinds=plain,workers --kills=5
    mount -t tmpfs -o size=64m tmpfs DIR && python benchmarks/kills.py --small_disk=DIR

Runs `tfssl pretrain` on the digits, unbroken; then killed (SIGKILL) at random before
and within its steps and while a checkpoint is written, with the same command again
after each; and compares the encoders. Of two workers one is killed at random, and the
other must end by itself. On a small disk all that is free is taken within the run, and
given back once it has ended. Writes docs/kills.json and the table of
docs/reliability.md.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import cluster  # noqa: E402
import pages  # noqa: E402
import resumed  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

# A method of each kind, as small as it gets.
KINDS = {
    "plain": ("simclr",),
    "queue": ("moco_v2",),
    "bank": (
        "cmc",
        "--set=contrast=nce",
        "--set=views.num_views=1",
        "--set=negatives=256",
    ),
    "adversary": ("context_encoder", "--set=adversarial_weight=0.1"),
    "teacher": ("byol",),
    "workers": ("simclr", "--strategy=multi_worker"),
}
# Seconds within which a worker ends that has lost another one.
SOON = 60

FLAGS = flags.FLAGS
flags.DEFINE_list("kinds", list(KINDS), f"Some of {', '.join(KINDS)}.")
flags.DEFINE_integer("kills", 20, "Of each kind.", lower_bound=1)
flags.DEFINE_integer("epochs", 30, "Of each run, of five steps.", lower_bound=2)
flags.DEFINE_integer("seed", 0, "Draws the moments.", lower_bound=0)
flags.DEFINE_string("small_disk", None, "Folder on a disk of some ten MB, as a tmpfs.")
flags.DEFINE_string("workdir", str(ROOT / "runs" / "kills"), "Folder of the runs.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the file and the page.")
flags.register_validator("kinds", lambda kinds: set(kinds) <= set(KINDS), "unknown")


def main():
    from tfssl import files

    file = Path(FLAGS.output) / "kills.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    rows = {kind: lambda kind=kind: killed(kind) for kind in FLAGS.kinds}
    if FLAGS.small_disk:
        rows["full disk"] = fill
    for kind, measure in rows.items():
        found[kind] = {**measure(), "epochs": FLAGS.epochs, "commit": files.commit()}
        print(kind, found[kind], flush=True)
        files.write_text(file, json.dumps(found, indent=1) + "\n")
    write_table(found)
    different = [kind for kind in rows if not found[kind]["equal"]]
    if different:
        raise RuntimeError(f"Other weights than unbroken: {', '.join(different)}")


def killed(kind):
    """What became of the runs of a kind: a dict."""
    whole, broken = (Path(FLAGS.workdir) / kind / name for name in ("whole", "broken"))
    for workdir in (whole, broken):
        shutil.rmtree(workdir, ignore_errors=True)
    began = time.monotonic()
    programs = start(kind, whole)
    while resumed.newest_checkpoint(whole) == (0, 0):
        check_runs(programs)
        time.sleep(0.01)
    to_first_step = time.monotonic() - began
    end(programs)

    draw = random.Random(FLAGS.seed)
    kills = {"before": 0, "within": 0, "while saving": 0}
    waits = []
    for number in range(FLAGS.kills):
        moment = list(kills)[number % len(kills)]
        programs = start(kind, broken)
        wait_for(moment, programs, broken, draw, to_first_step)
        if not all(program.poll() is None for program in programs):
            # It is done, or failed: which, its end shows.
            end(programs)
            break
        before = resumed.newest_checkpoint(broken)
        draw.choice(programs).kill()
        waits.append(wait_for_end(programs))
        kills[moment] += 1
        # What was saved is there, and what came since is lost.
        if resumed.newest_checkpoint(broken) < before:
            raise RuntimeError(f"{kind}: lost the checkpoint {before}")
    end(start(kind, broken))
    left = list(broken.rglob(".partial-*"))
    return {
        "kills": kills,
        "equal": resumed.same_weights(whole, broken) and not left,
        "others_ended_after": round(max(waits), 1) if kind == "workers" else None,
    }


def start(kind, workdir):
    """The programs of a run, started."""
    method, *others = KINDS[kind]
    command = [
        sys.executable,
        str(ROOT / "scripts" / "pretrain.py"),
        f"--method={method}",
        *others,
        "--dataset=digits",
        "--encoder_width=8",
        "--batch_size=256",
        f"--epochs={FLAGS.epochs}",
        # After each step.
        "--checkpoint_minutes=0",
        "--knn_every=0",
        "--noreport",
        "--nostop_unhealthy",
        "--deterministic",
        "--precision=float32",
        f"--workdir={workdir}",
    ]
    return [
        subprocess.Popen(
            command,
            env={**os.environ, **configuration},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for configuration in (cluster.workers(2) if kind == "workers" else [{}])
    ]


def wait_for(moment, programs, workdir, draw, to_first_step):
    """Returns when the moment to kill has come, or the programs have ended."""

    def running_on(seconds=None, until=None):
        began = time.monotonic()
        while all(program.poll() is None for program in programs):
            if until is not None and until():
                return
            if seconds is not None and time.monotonic() - began > seconds:
                return
            time.sleep(0.001)

    if moment == "before":
        return running_on(draw.uniform(0, to_first_step))
    before = resumed.newest_checkpoint(workdir)
    running_on(until=lambda: resumed.newest_checkpoint(workdir) > before)
    running_on(draw.uniform(0, 1))
    if moment == "while saving":
        checkpoints = workdir / "checkpoints"
        running_on(until=lambda: any(checkpoints.glob(".partial-*.weights.h5")))


def wait_for_end(programs):
    """Seconds until all have ended, after one was killed."""
    began = time.monotonic()
    for program in programs:
        error = program.communicate(timeout=SOON)[1]
        if program.returncode > 0 and "Another worker of this run is gone" not in error:
            raise RuntimeError(f"A worker ended in another way:\n{error[-2000:]}")
    return time.monotonic() - began


def check_runs(programs):
    """Raises a RuntimeError if one of the programs has failed."""
    for program in programs:
        if program.poll():
            raise RuntimeError(program.communicate()[1][-2000:])


def end(programs):
    """Waits for the programs, which must not fail."""
    for program in programs:
        error = program.communicate()[1]
        if program.returncode:
            raise RuntimeError(f"{program.args} failed:\n{error[-2000:]}")


def fill():
    """A run whose disk is filled, and emptied again after it has ended: a dict."""
    whole, broken = Path(FLAGS.workdir) / "disk", Path(FLAGS.small_disk) / "run"
    for workdir in (whole, broken):
        shutil.rmtree(workdir, ignore_errors=True)
    end(start("plain", whole))
    programs = start("plain", broken)
    while resumed.newest_checkpoint(broken) < (1, 0):
        check_runs(programs)
        time.sleep(0.01)
    filling = Path(FLAGS.small_disk) / "filling"
    try:
        with filling.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
    except OSError:
        # There is no room left.
        pass
    try:
        said = programs[0].communicate()[1]
    finally:
        filling.unlink()
    place = re.search(r"goes on after (epoch \d+.*)", said)
    if not programs[0].returncode or place is None:
        raise RuntimeError(f"The disk was full, and the run said:\n{said[-2000:]}")
    end(start("plain", broken))
    return {"kills": {"disk full": 1}, "equal": resumed.same_weights(whole, broken)}


def write_table(found):
    """Puts the table in its place in reliability.md."""
    lines = [
        "",
        "| kind | interruptions | the same weights to the bit |",
        "|---|---|---|",
    ]
    for kind, run in found.items():
        kills = ", ".join(f"{count} {moment}" for moment, count in run["kills"].items())
        if run.get("others_ended_after"):
            kills += f"; the other one ended within {run['others_ended_after']:g} s"
        lines.append(pages.row(kind, kills, "yes" if run["equal"] else "**no**"))
    pages.write_tables(Path(FLAGS.output) / "reliability.md", "kills", lines)


if __name__ == "__main__":
    running.run(main)

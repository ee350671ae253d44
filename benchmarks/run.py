"""All that is compared with other libraries, in turn, and one table of it.

    python benchmarks/run.py --peer=/tmp/peer [--quick]

Makes the peer's environment in the folder if it is not there (PyTorch, lightly and
faiss), runs each row that this machine can run, ours and theirs in turn, and writes the
figures to docs/speed/ and the table of docs/speed.md. `--rows` names some of the rows,
`--nomeasure` writes the table of the figures that are there, and --readme=README.md the
short one of the README. Nothing else should run meanwhile.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("peer", None, "Folder of the peer's environment; made if missing.")
flags.DEFINE_list(
    "rows",
    [],
    "Some of the rows; none: all that this machine can run, among them accuracy, which "
    "takes an hour, where --data_dir is given.",
)
flags.DEFINE_string("data_dir", None, "Folder of prepared tensorflow-datasets.")
flags.DEFINE_bool("quick", False, "Short turns, about five minutes for all of it.")
flags.DEFINE_bool("measure", True, "Measure, or write the table alone.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the figures and the page.")
flags.DEFINE_string(
    "readme", None, "Page for the short table; none: it is not written."
)

PACKAGES = ("torch", "torchvision", "lightly", "faiss-cpu")


class Row(NamedTuple):
    """What is compared.

    Attributes:
        program: string, the one of this folder that measures it.
        name: string, of the row in its figures.
        what: string, in words.
        goal: float, the ratio to reach.
        quantity: "speed", ours over theirs, or "memory", theirs over ours.
        by_itself: bool, whether it runs without being named.
        short: bool, whether it is in the README's table.
    """

    program: str
    name: str
    what: str
    goal: float
    quantity: str = "speed"
    by_itself: bool = True
    short: bool = True


def step(name, what, goal=1.5, **kwargs):
    return Row("steps", name, what, goal, **kwargs)


def gpu(name, what):
    return step(name, what, 1.2, by_itself=False)


def memory(name, batch):
    what = f"peak memory of SimCLR, ResNet-18 of width 16, batch {batch:,}, float32"
    return step(name, what, 1.0, quantity="memory")


def views(side, **kwargs):
    return Row("views", str(side), f"views with blur, {side} px", 1.5, **kwargs)


RESNET = "SimCLR's step, ResNet-18 of width"
START = "from the start of the program to the first step"
ROWS = {
    "step 16_bfloat16": step("16_bfloat16", f"{RESNET} 16, bfloat16", 2.0),
    "step 16_float32": step("16_float32", f"{RESNET} 16, float32", 2.0, short=False),
    "memory 256": memory("16_float32", 256),
    "memory 1024": memory("16_float32_1024", 1024),
    "step 64_bfloat16": step("64_bfloat16", f"{RESNET} 64, bfloat16", 1.6),
    "step 64_float32": step("64_float32", f"{RESNET} 64, float32", 1.6, short=False),
    "step moco_v2": step("moco_v2", "MoCo v2's step, ResNet-18 of width 16"),
    "step dino": step(
        "dino", "DINO's step, the same network, two large and two small crops"
    ),
    "step mae": step("mae", "MAE's step, a ViT of width 192, patches of 4 pixels"),
    "step gpu_32": gpu("gpu_32", f"{RESNET} 64, 32 px, batch 512, on a GPU"),
    "step gpu_224": gpu("gpu_224", "SimCLR's step, ResNet-50, 224 px, on a GPU"),
    "views 32": views(32, short=False),
    "views 96": views(96, short=False),
    "views 224": views(224),
    "reading": Row(
        "reading", "reading", "JPEG files, decoded and made into views, 224 px", 1.2
    ),
    "knn": Row("knn", "knn", "kNN, 10,000 of 50,000 x 512, k 200, beside faiss", 1.0),
    "start": Row("start", "start", START, 0.8),
    "accuracy": Row(
        "accuracy", "accuracy", "time to a linear accuracy of .65 on CIFAR-10", 2.5
    ),
}
HEADING = ("row", "what", "ratio", "ratio of turns", "turns", "to reach", "measured")
SHORT = ("what", "ratio", "ratio of turns")


def main():
    if unknown := set(FLAGS.rows) - set(ROWS):
        raise ValueError(f"--rows must be of {list(ROWS)}. Received: {unknown}")
    names = FLAGS.rows or [name for name in ROWS if runs_by_itself(name)]
    if FLAGS.measure:
        if FLAGS.peer is None:
            raise flags.Error("Set --peer.")
        python = environment(Path(FLAGS.peer))
        asked = {}
        for row in (ROWS[name] for name in names):
            # Of one row a program may have two figures.
            asked.setdefault(row.program, {})[row.name] = None
        for program, rows in asked.items():
            measure(program, list(rows), python)
    found = {name: cells(name) for name in ROWS if figures(ROWS[name])}
    lines = ["", *table(HEADING, found.values())]
    print("\n".join(lines))
    pages.write_tables(Path(FLAGS.output) / "speed.md", "run", lines)
    if FLAGS.readme:
        short = [
            (what, ratio.replace("**", ""), turns)
            for name, what, ratio, turns, *_ in found.values()
            if ROWS[name].short
        ]
        pages.write_tables(FLAGS.readme, "run", ["", *table(SHORT, short)])


def table(heading, rows):
    """Lines of Markdown."""
    lines = [pages.row(*heading), "|---" * len(heading) + "|"]
    return [*lines, *(pages.row(*row) for row in rows)]


def environment(folder):
    """The Python of the peer's environment."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing {', '.join(PACKAGES)} in {folder}", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return python


def measure(program, rows, python):
    """Runs a program of this folder for some of its rows."""
    command = [sys.executable, ROOT / "benchmarks" / f"{program}.py"]
    command += [f"--peer_python={python}", *(["--quick"] if FLAGS.quick else [])]
    if program in ("steps", "views"):
        command.append(f"--rows={','.join(rows)}")
    if program == "accuracy" and FLAGS.data_dir:
        command.append(f"--data_dir={FLAGS.data_dir}")
    command.append(f"--output={FLAGS.output}")
    print(f"{program}: {', '.join(rows)}", flush=True)
    if subprocess.run(command).returncode:
        raise RuntimeError(f"{program} failed; see above.")


def runs_by_itself(name):
    """Whether a row is run without being named."""
    if name == "accuracy":
        return FLAGS.data_dir is not None and not FLAGS.quick
    return ROWS[name].by_itself


def figures(row):
    """What was measured of it: a dict, or None."""
    file = Path(FLAGS.output) / "speed" / f"{row.program}.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text())["rows"].get(row.name)
    return found if found and "ratio" in found else None


def cells(name):
    """What a line of the table says."""
    row = ROWS[name]
    found = figures(row)
    if row.quantity == "memory":
        theirs, ours = (found[side]["peak_memory_mib"] for side in ("theirs", "ours"))
        ratio, turns = theirs / ours, ""
    else:
        ratio = found["ratio"]
        turns = " to ".join(f"{each:.2f}" for each in found.get("ratio_of_turns", ()))
    bold = "**" if ratio < row.goal else ""
    # Of a race that one side did not end.
    bound = f"{found['bound']} " if "bound" in found else ""
    return (
        name,
        row.what + (", in short turns" if found.get("quick") else ""),
        f"{bound}{bold}{ratio:.2f}{bold}",
        turns,
        str(len(found["ours"]["turns"])) if turns else "",
        str(row.goal),
        found["date"][:10],
    )


if __name__ == "__main__":
    running.run(main)

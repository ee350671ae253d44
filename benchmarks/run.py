"""All that is compared with other libraries, in turn, and one table of it.

    python benchmarks/run.py --peer=/tmp/peer [--quick]

Makes the peer's environment in the folder if it is not there (PyTorch, lightly and
faiss), runs each row that this machine can run, ours and theirs in turn, and writes the
figures to docs/speed/ and the table of docs/speed.md. `--rows` names some of the rows,
`--nomeasure` writes the table of the figures that are there. Nothing else should run
meanwhile.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

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

PACKAGES = ("torch", "torchvision", "lightly", "faiss-cpu")
# The last word is the row in the figures of the program; the number, what to reach.
ROWS = {
    "step 16_bfloat16": (
        "steps",
        "SimCLR's step, ResNet-18 of width 16, bfloat16",
        2.0,
    ),
    "step 16_float32": ("steps", "the same in float32", 2.0),
    "step 64_bfloat16": ("steps", "of width 64, bfloat16", 1.6),
    "step 64_float32": ("steps", "of width 64, float32", 1.6),
    "step moco_v2": ("steps", "MoCo v2's step, the ResNet-18 of width 16", 1.5),
    "step dino": ("steps", "DINO's, the same, two large and two small crops", 1.5),
    "step mae": ("steps", "MAE's, a ViT of width 192, patches of 4 pixels", 1.5),
    "step gpu_32": ("steps", "SimCLR's, of width 64 on a GPU, batch 512", 1.2),
    "step gpu_224": ("steps", "ResNet-50 on a GPU, 224 px, batch 256", 1.2),
    "views 32": ("views", "views with blur, 32 px", 1.5),
    "views 96": ("views", "views with blur, 96 px", 1.5),
    "views 224": ("views", "views with blur, 224 px", 1.5),
    "reading": ("reading", "JPEG files, decoded and made into views, 224 px", 1.2),
    "knn": ("knn", "kNN, 10,000 of 50,000 x 512, k 200", 1.0),
    "start": ("start", "from the start of the program to the first step", 0.8),
    "accuracy": ("accuracy", "time to a linear accuracy of .65 on CIFAR-10", 2.5),
}
HEADING = ("row", "what", "ratio", "ratio of turns", "to reach")


def main():
    if unknown := set(FLAGS.rows) - set(ROWS):
        raise ValueError(f"--rows must be of {list(ROWS)}. Received: {unknown}")
    names = FLAGS.rows or [name for name in ROWS if runs_by_itself(name)]
    if FLAGS.measure:
        if FLAGS.peer is None:
            raise flags.Error("Set --peer.")
        python = environment(Path(FLAGS.peer))
        for program in dict.fromkeys(ROWS[name][0] for name in names):
            rows = [row_of(name) for name in names if ROWS[name][0] == program]
            measure(program, rows, python)
    lines = ["", pages.row(*HEADING), "|---" * len(HEADING) + "|"]
    lines += [pages.row(*cells(name)) for name in ROWS if figures(name)]
    print("\n".join(lines))
    pages.write_tables(Path(FLAGS.output) / "speed.md", "run", lines)


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
    return "gpu" not in name


def row_of(name):
    """Its name in the figures of its program."""
    return name.split()[-1]


def figures(name):
    """What was measured of a row: a dict, or None."""
    file = Path(FLAGS.output) / "speed" / f"{ROWS[name][0]}.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text())["rows"].get(row_of(name))
    return found if found and "ratio" in found else None


def cells(name):
    """What a line of the table says."""
    found = figures(name)
    _, what, goal = ROWS[name]
    turns = " to ".join(map(str, found.get("ratio_of_turns", ())))
    ratio = f"{found['ratio']:.2f}"
    if found["ratio"] < goal:
        ratio = f"**{ratio}**"
    return name, what, ratio, turns, str(goal)


if __name__ == "__main__":
    running.run(main)

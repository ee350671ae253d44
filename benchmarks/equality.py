"""Do several devices take the step of one? For every method.

    python benchmarks/equality.py
    python benchmarks/equality.py --ways=jax_2 --cases=simclr,byol

Runs tests/training/two_replicas.py for each case of the tests and each way to share out
a batch, and writes docs/equality.json and the table of docs/reliability.md. What is in
docs/equality.json is not run again.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests" / "methods")]

import cluster  # noqa: E402
import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

PROGRAM = ROOT / "tests" / "training" / "two_replicas.py"
# How a batch is shared out: the backend, the devices, and whether each is a process.
WAYS = {
    "mirrored_2": ("tensorflow", 2, False),
    "mirrored_4": ("tensorflow", 4, False),
    "workers_2": ("tensorflow", 2, True),
    "jax_2": ("jax", 2, False),
    "jax_4": ("jax", 4, False),
}
TITLES = {
    "mirrored_2": "`MirroredStrategy`, 2",
    "mirrored_4": "`MirroredStrategy`, 4",
    "workers_2": "`MultiWorkerMirroredStrategy`, 2 processes",
    "jax_2": "JAX `DataParallel`, 2",
    "jax_4": "JAX `DataParallel`, 4",
}

FLAGS = flags.FLAGS
flags.DEFINE_list("ways", list(WAYS), f"Some of {', '.join(WAYS)}.")
flags.DEFINE_list("cases", [], "Some of cases.SHARED_OUT; all by default.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the file and the page.")


def main():
    running.start("float32")
    import cases

    from tfssl import files

    file = Path(FLAGS.output) / "equality.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    failed = []
    for name in FLAGS.cases or cases.SHARED_OUT:
        for way in FLAGS.ways:
            if way in found.get(name, {}):
                continue
            print(name, way, flush=True)
            try:
                said = {**compared(name, *WAYS[way]), "commit": files.commit()}
            except RuntimeError as error:
                print(error, flush=True)
                failed.append(f"{name} {way}")
                continue
            print(said, flush=True)
            found.setdefault(name, {})[way] = said
            files.write_text(file, json.dumps(found, indent=1) + "\n")
    write_table(found)
    failed += [
        f"{name} {way}"
        for name, ways in found.items()
        for way, said in ways.items()
        if not said.get("equal", "refused" in said)
    ]
    if failed:
        raise RuntimeError(f"These failed or differ: {', '.join(failed)}")


def compared(name, backend, devices, processes):
    """What the program says of a case: a dict.

    Returns:
        `difference` and `bound` after three steps, as fractions of the largest move of
        a weight, and `equal`; or `refused`, with the reason.

    Raises:
        RuntimeError: if the program fails for another reason than a difference.
    """
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'methods'}",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    command = [sys.executable, str(PROGRAM), f"--devices={devices}", name]
    configurations = cluster.workers(devices) if processes else [{}]
    programs = [
        subprocess.Popen(
            command,
            env={**environment, **configuration},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for configuration in configurations
    ]
    said = [program.communicate() for program in programs]
    out, error = said[0]
    if "takes TensorFlow" in out:
        return {"refused": "takes TensorFlow"}
    steps = re.findall(rf"^{name} (\S+) (\S+)$", out, re.M)
    if programs[0].returncode and not re.search(r"AssertionError: .*" + name, error):
        raise RuntimeError(f"{name} failed:\n{error[-3000:]}")
    if len(steps) < 2:
        largest = re.findall(r": (\S+) > (\S+)$", error, re.M)
        return {"equal": False, "said": error.strip().splitlines()[-1], "at": largest}
    difference, bound = map(float, steps[-1])
    return {"equal": True, "difference": difference, "bound": bound}


def write_table(found):
    """Puts the table in its place in reliability.md."""
    lines = ["", pages.row("", *TITLES.values()), "|---" * (len(TITLES) + 1) + "|"]
    for name, ways in sorted(found.items()):
        lines.append(pages.row(f"`{name}`", *[cell(ways.get(way)) for way in TITLES]))
    pages.write_tables(Path(FLAGS.output) / "reliability.md", "equality", lines)


def cell(said):
    if said is None:
        return ""
    if "refused" in said:
        return said["refused"]
    return f"{said['difference']:.0e}" if said["equal"] else "**differs**"


if __name__ == "__main__":
    running.run(main)

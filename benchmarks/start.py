"""How long does a program take to its first step, beside a loop in PyTorch?

    python benchmarks/start.py --peer_python=PATH

From the start of the process to the end of the first step of SimCLR, ResNet-18 of
width 16, batch 256, images of 32 pixels in an npz file: `tfssl pretrain`, and
benchmarks/steps_torch.py with lightly's views and no workers. Both take turns;
docs/speed/start.json has the figures, as starts a minute.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import peers  # noqa: E402
import running  # noqa: E402
import steps  # noqa: E402
from absl import flags  # noqa: E402

# --peer_python, --rounds, --quick and --output are those of steps.
FLAGS = flags.FLAGS
flags.adopt_module_key_flags(steps)


def main():
    if FLAGS.quick:
        FLAGS.rounds = 3
    import numpy as np

    from tfssl import files

    about = peers.described(files.versions(), files.commit())
    row = {**steps.ROWS["16_bfloat16"], "steps": 1}
    with tempfile.TemporaryDirectory() as folder:
        shape = (row["batch"], row["source"], row["source"], 3)
        images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
        np.savez(Path(folder) / "images.npz", x_train=images)
        sides = {"ours": lambda: ours(folder, row)}
        if FLAGS.peer_python:
            sides["PyTorch"] = lambda: theirs(row)
        found = peers.in_turn(FLAGS.rounds, sides)
    print(json.dumps(found), flush=True)
    found = {**about, "unit": "starts a minute", "rows": {"start": found}}
    peers.write(FLAGS.output, "start", found)


def ours(folder, row):
    """Starts a minute: until the line of the first epoch, which has one step."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "pretrain.py"),
        f"--dataset=npz:{folder}/images.npz",
        "--preset=cifar",
        f"--encoder={row['network']}",
        f"--encoder_width={row['width']}",
        f"--batch_size={row['batch']}",
        "--epochs=2",
        "--noreport",
        f"--workdir={folder}/run-{time.monotonic_ns()}",
    ]
    return until(command, lambda line: " loss: " in line)


def theirs(row):
    """The same, until it asks for its first turn and has had it."""
    script = str(ROOT / "benchmarks" / "steps_torch.py")
    command = [FLAGS.peer_python, script, json.dumps({**row, "warm_up": False})]
    return until(command, lambda line: line.startswith("["), '["0 workers"]\n')


def until(command, is_it, said=""):
    """Starts a minute, from the start of a command to a line of its output."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        program.stdin.write(said)
        program.stdin.flush()
        for line in program.stdout:
            if is_it(line):
                break
        else:
            raise RuntimeError(f"{' '.join(command)} ended; its message is above.")
        seconds = time.perf_counter() - start
        program.kill()
    return 60 / seconds


if __name__ == "__main__":
    running.run(main)

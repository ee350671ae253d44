"""How long does a program take to its first step, beside a loop in PyTorch?

    python benchmarks/start.py --peer_python=PATH

From the start of the process to the end of the first step of SimCLR, ResNet-18 of
width 16, batch 256, images of 32 pixels: `tfssl pretrain` on an npz file, until its
progress bar shows the first loss, and benchmarks/steps_torch.py on random images, with
lightly's views and no workers. Both take turns; docs/speed/start.json has the figures,
as starts a minute.
"""

import json
import os
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

    about = peers.described(files.versions(), files.commit(), FLAGS.quick)
    row = {**steps.ROWS["16_bfloat16"], "steps": 1}
    with tempfile.TemporaryDirectory() as folder:
        # Two steps: after the last one comes what ends an epoch.
        shape = (2 * row["batch"], row["source"], row["source"], 3)
        images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
        np.savez(Path(folder) / "images.npz", x_train=images)
        sides = {"ours": lambda: ours(folder, row)}
        if FLAGS.peer_python:
            sides["PyTorch"] = lambda: theirs(row)
        found = peers.in_turn(FLAGS.rounds, sides)
    found = {**about, "unit": "starts a minute", **found}
    peers.keep(FLAGS.output, "start", "start", found)


def ours(folder, row):
    """Starts a minute: until the first loss, as on a terminal."""
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
    terminal, of_program = os.openpty()
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=of_program) as program:
        os.close(of_program)
        said = b""
        try:
            while b"loss: " not in said:
                said += os.read(terminal, 4096)
        except OSError as error:
            message = f"{' '.join(command)} ended early:\n{said.decode()}"
            raise RuntimeError(message) from error
        seconds = time.perf_counter() - start
        program.kill()
    os.close(terminal)
    return 60 / seconds


def theirs(row):
    """The same, until it has answered to its first turn."""
    start = time.perf_counter()
    peer = peers.Peer(
        FLAGS.peer_python,
        str(ROOT / "benchmarks" / "steps_torch.py"),
        json.dumps({**row, "warm_up": False}),
        needs=f"--peer_python must import torch. Received: {FLAGS.peer_python}",
    )
    peer.ask("0 workers")
    seconds = time.perf_counter() - start
    peer.close()
    return 60 / seconds


if __name__ == "__main__":
    running.run(main)

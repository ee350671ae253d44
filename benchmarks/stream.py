"""Training on a folder that memory does not hold, and that is killed in an epoch.

    python benchmarks/stream.py
    python benchmarks/stream.py --images=20000 --workdir=DIR

Writes a folder of synthetic JPEGs and runs `tfssl pretrain --stream=true`: on a few of
them, for what the program takes anyway; on all of them, unbroken; and once more, killed
(SIGKILL) in the middle of an epoch and started again. Prints the peak of the resident
memory of each, images a second, and whether the weights are the same in the end; the
program fails if they are not. The folder of images is kept, and used again.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing.pool import ThreadPool
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import resumed  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_integer("images", 200_000, "JPEG files.", lower_bound=2)
flags.DEFINE_integer("side", 128, "Their height and width, in pixels.", lower_bound=8)
flags.DEFINE_integer("few", 2000, "Files of the first run; 0: none.", lower_bound=0)
flags.DEFINE_integer("epochs", 1, "Passes over them.", lower_bound=1)
flags.DEFINE_integer("batch_size", 256, "Images a step.", lower_bound=2)
flags.DEFINE_integer("view_size", 32, "Side of the views, in pixels.", lower_bound=8)
flags.DEFINE_string("encoder", "resnet18", "The network.")
flags.DEFINE_integer("width", 4, "Its channels.", lower_bound=1)
flags.DEFINE_bool(
    "hold", False, "Decode the images of the unbroken run once, and hold them."
)
flags.DEFINE_float(
    "checkpoint_minutes", 0.1, "Minutes between checkpoints.", lower_bound=0
)
flags.DEFINE_string("workdir", str(ROOT / "runs" / "stream"), "Folder of it all.")
flags.DEFINE_string("output", None, "JSON file for what was measured.")

# Colours a side that a picture is made from.
_COARSE = 8


def main():
    workdir = Path(FLAGS.workdir)
    photos = workdir / f"photos-{FLAGS.images}-{FLAGS.side}"
    write_photos(photos, FLAGS.images, FLAGS.side)
    found = {
        "images": FLAGS.images,
        "side": FLAGS.side,
        "decoded_mib": mib(FLAGS.images * FLAGS.side**2 * 3),
        "files_mib": mib(sum(e.stat().st_size for e in os.scandir(photos))),
    }
    runs = workdir / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    if FLAGS.few:
        few = workdir / f"photos-{FLAGS.few}-{FLAGS.side}"
        write_photos(few, FLAGS.few, FLAGS.side)
        found["few_peak_mib"] = pretrain(few, runs / "few")["peak_mib"]
    whole = pretrain(photos, runs / "whole", stream=not FLAGS.hold)
    found.update({f"whole_{name}": value for name, value in whole.items()})
    # Half of the last epoch is done.
    steps = FLAGS.images // FLAGS.batch_size
    place = (FLAGS.epochs - 1, max(steps // 2, 1))
    killed = pretrain(photos, runs / "broken", kill_at=place)
    found["killed_after_checkpoint"] = killed["newest"]
    found["killed_peak_mib"] = killed["peak_mib"]
    found["resumed_peak_mib"] = pretrain(photos, runs / "broken")["peak_mib"]
    found["equal"] = resumed.same_weights(runs / "whole", runs / "broken")
    print(json.dumps(found, indent=2))
    if FLAGS.output:
        from tfssl import files

        files.write_text(FLAGS.output, json.dumps(found, indent=2) + "\n")
    if not found["equal"]:
        raise RuntimeError("The run that was killed ended in other weights.")


def mib(count):
    return round(count / 2**20)


def write_photos(folder, count, side):
    """Smooth random pictures, each another; whole or not at all."""
    import numpy as np
    from PIL import Image

    if folder.exists():
        return
    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)

    def write(i):
        coarse = np.random.default_rng(i).integers(
            0, 256, (_COARSE, _COARSE, 3), "uint8"
        )
        image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        image.save(partial / f"{i:07d}.jpg", quality=90)

    with ThreadPool() as pool:
        for _ in pool.imap_unordered(write, range(count), 64):
            pass
    partial.rename(folder)


def pretrain(photos, workdir, kill_at=None, stream=True):
    """Runs the program to its end, or kills it in the middle of an epoch.

    Until all runs are done nothing large is imported here: a process is said to have
    taken at least what the one took that started it.

    Args:
        photos: folder of the images.
        workdir: folder of the run.
        kill_at: (epoch, step) from which a checkpoint ends the run, or None.
        stream: bool, whether the images are streamed.

    Returns:
        Dict of what was measured.
    """
    command = [
        sys.executable,
        str(ROOT / "scripts" / "pretrain.py"),
        f"--dataset=folder:{photos}",
        f"--stream={str(stream).lower()}",
        f"--image_size={FLAGS.side}",
        f"--view_size={FLAGS.view_size}",
        f"--encoder={FLAGS.encoder}",
        f"--encoder_width={FLAGS.width}",
        f"--epochs={FLAGS.epochs}",
        f"--batch_size={FLAGS.batch_size}",
        f"--checkpoint_minutes={FLAGS.checkpoint_minutes}",
        f"--workdir={workdir}",
        "--noreport",
        "--deterministic",
        "--precision=float32",
    ]
    began = time.perf_counter()
    program = subprocess.Popen(command, stdout=sys.stderr)
    killed = False
    while True:
        pid, status, usage = os.wait4(program.pid, os.WNOHANG)
        if pid:
            break
        if kill_at and not killed and resumed.newest_checkpoint(workdir) >= kill_at:
            program.kill()
            killed = True
        time.sleep(0.05)
    # `wait4` took it from Popen.
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode != (-signal.SIGKILL if kill_at else 0):
        raise RuntimeError(f"{' '.join(command)} ended with {program.returncode}.")
    found = {
        "peak_mib": mib(usage.ru_maxrss * 1024),
        "seconds": round(time.perf_counter() - began, 1),
    }
    if killed:
        return {**found, "newest": resumed.newest_checkpoint(workdir)}
    with (workdir / "metrics.csv").open() as file:
        *_, last = csv.DictReader(file)
    return {**found, "images_per_second": round(float(last["images_per_second"]), 1)}


if __name__ == "__main__":
    running.run(main)

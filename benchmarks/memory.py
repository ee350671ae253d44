"""How much memory a step takes, all at once and in chunks.

    python benchmarks/memory.py
    python benchmarks/memory.py --batches=256,1024 --chunk=128

SimCLR of a small ResNet on images of 32 pixels, each batch size with and without
`chunk`, one step in a process of its own. It prints the peak of resident memory, writes
docs/speed/memory.json, and the table of docs/large_batches.md. How long a step takes is
what tfssl steptime says, which knows --chunk too.
"""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import pages  # noqa: E402
import process_memory  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("batches", ["256", "1024", "4096"], "Images a step.")
flags.DEFINE_integer(
    "chunk", 256, "Rows at a time; 0, with --one: at once.", lower_bound=0
)
flags.DEFINE_integer("size", 32, "Side of the images in pixels.", lower_bound=8)
flags.DEFINE_integer("width", 16, "Of the ResNet-18.", lower_bound=1)
flags.DEFINE_integer(
    "largest", 0, "Batch up to which the plain step is measured; 0: all.", lower_bound=0
)
flags.DEFINE_bool("resume", False, "Keep the rows of --output that are there.")
flags.DEFINE_integer("one", None, "Take a step of this batch here.", lower_bound=1)
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the figures and the page.")

HEADING = ("images a step", "at once, MiB", "in chunks, MiB")


def main():
    if FLAGS.one:
        print(json.dumps(take_step(FLAGS.one, FLAGS.chunk or None)))
        return
    if not FLAGS.chunk:
        raise ValueError("--chunk must be at least 1. Received: --chunk=0")
    from tfssl import files

    file = Path(FLAGS.output) / "speed" / "memory.json"
    rows = json.loads(file.read_text())["rows"] if FLAGS.resume else []
    known = {row["batch"] for row in rows}
    for batch in sorted(map(int, FLAGS.batches)):
        if batch in known:
            continue
        row = {"batch": batch}
        if not FLAGS.largest or batch <= FLAGS.largest:
            row["plain"] = measure(batch)
        row["chunked"] = measure(batch, FLAGS.chunk)
        rows.append(row)
        print(pages.row(*cells(row)), flush=True)
        write(rows, files)


def measure(batch, chunk=None):
    """Memory of a step, in a process of its own, in MiB."""
    given = [f"--{name}={FLAGS[name].value}" for name in ("size", "width")]
    command = [sys.executable, __file__, f"--one={batch}", f"--chunk={chunk or 0}"]
    done = subprocess.run([*command, *given], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        # Killed for memory, most likely.
        raise RuntimeError(
            f"A step of {batch} images ended with {done.returncode}; --largest leaves "
            f"out plain steps that are too large. Received: chunk={chunk}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def take_step(batch, chunk):
    """The most memory that a process has, in MiB, which takes a step of a model."""
    running.start("float32")
    import numpy as np

    import tfssl

    encoder = tfssl.encoders.resnet18(FLAGS.size, stem="small", width=FLAGS.width)
    views = tfssl.views.Views([[tfssl.views.RandomFlip()]] * 2)
    model = tfssl.methods.SimCLR(encoder, views)
    model.xla_views = False
    model.compile(tfssl.optimizers.SGD(0.01), chunk=chunk)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (batch, FLAGS.size, FLAGS.size, 3), "uint8")
    model.train_on_batch(images)
    return process_memory.peak()


def cells(row):
    """What a line of the table says."""
    found = [row.get(name) for name in ("plain", "chunked")]
    return (f"{row['batch']:,}", *(f"{mib:,.0f}" if mib else "-" for mib in found))


def write(rows, files):
    """The figures as JSON, and their table in its place."""
    folder = Path(FLAGS.output)
    found = {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "versions": files.versions(),
        "size": FLAGS.size,
        "width": FLAGS.width,
        "chunk": FLAGS.chunk,
        "rows": rows,
    }
    (folder / "speed").mkdir(exist_ok=True)
    text = json.dumps(found, indent=1) + "\n"
    files.write_text(folder / "speed" / "memory.json", text)
    lines = [
        "",
        pages.row(*HEADING),
        "|---" * len(HEADING) + "|",
        *(pages.row(*cells(row)) for row in rows),
    ]
    pages.write_tables(folder / "large_batches.md", "memory", lines)


if __name__ == "__main__":
    running.run(main)

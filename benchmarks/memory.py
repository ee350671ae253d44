"""How much memory a step takes, all at once and in chunks.

    python benchmarks/memory.py
    python benchmarks/memory.py --batches=256,1024 --chunk=128

SimCLR of a small ResNet on images of 32 pixels, each batch size with and without
--chunk, one step after another in processes of their own. It prints the peak of
resident memory and the time of a step, writes docs/speed/memory.json, and the table of
docs/large_batches.md.
"""

import datetime
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import budget  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("batches", ["256", "1024", "4096"], "Images a step.")
flags.DEFINE_integer("chunk", 256, "Rows at a time.", lower_bound=1)
flags.DEFINE_integer("size", 32, "Side of the images in pixels.", lower_bound=8)
flags.DEFINE_list(
    "flags",
    ["--method=simclr", "--encoder=resnet18", "--encoder_width=16", "--preset=cifar"],
    "What tfssl steptime is given besides.",
)
flags.DEFINE_integer("rounds", 1, "Steps that are timed, after a first.", lower_bound=1)
flags.DEFINE_integer(
    "largest", 0, "Batch up to which the plain step is measured; 0: all.", lower_bound=0
)
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the figures and the page.")

BEGIN, END = "<!-- the table of benchmarks/memory.py -->", "<!-- end -->"
HEADING = (
    "images a step",
    "at once, MiB",
    "in chunks, MiB",
    "at once, s",
    "in chunks, s",
)


def main():
    batches = sorted(map(int, FLAGS.batches))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = write_images(Path(folder) / "images.npz", batches[-1], FLAGS.size)
        for batch in batches:
            row = {"batch": batch}
            if not FLAGS.largest or batch <= FLAGS.largest:
                row["plain"] = measure(data, batch)
            row["chunked"] = measure(data, batch, f"--chunk={FLAGS.chunk}")
            rows.append(row)
            print(markdown(cells(row)), flush=True)
    write(rows)


def write_images(path, count, size):
    """A file of noise, as --dataset takes it."""
    import numpy as np

    random = np.random.default_rng(0)
    np.savez(path, x_train=random.integers(0, 256, (count, size, size, 3), "uint8"))
    return f"--dataset=npz:{path}"


def measure(data, batch, *more):
    """Memory and time of a step, in a process of its own: a dict."""
    line = budget.call(
        "steptime",
        data,
        f"--batch_size={batch}",
        "--steps=1",
        f"--rounds={FLAGS.rounds}",
        "--json",
        *FLAGS.flags,
        *more,
    )
    found = json.loads(line.splitlines()[-1])
    return {name: found[name] for name in ("peak_memory_mib", "seconds", "precision")}


def cells(row):
    """What a line of the table says."""
    steps = [row.get(name) for name in ("plain", "chunked")]
    memory = (f"{s['peak_memory_mib']:,.0f}" if s else "-" for s in steps)
    seconds = (f"{s['seconds']:.1f}" if s else "-" for s in steps)
    return (f"{row['batch']:,}", *memory, *seconds)


def markdown(cells):
    return f"| {' | '.join(cells)} |"


def write(rows):
    """The figures as JSON, and their table in its place."""
    from tfssl import files

    folder = Path(FLAGS.output)
    found = {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "versions": files.versions(),
        "flags": FLAGS.flags,
        "size": FLAGS.size,
        "chunk": FLAGS.chunk,
        "rows": rows,
    }
    (folder / "speed").mkdir(exist_ok=True)
    files.write_text(folder / "speed" / "memory.json", json.dumps(found, indent=1))
    page = folder / "large_batches.md"
    before, rest = page.read_text().split(BEGIN)
    lines = [
        BEGIN,
        "",
        markdown(HEADING),
        "|---" * len(HEADING) + "|",
        *(markdown(cells(row)) for row in rows),
        "",
        END,
    ]
    files.write_text(page, before + "\n".join(lines) + rest.split(END)[1])
    print(f"Look at {page}")


if __name__ == "__main__":
    running.run(main)

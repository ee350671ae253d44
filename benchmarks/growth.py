"""How time and memory of a step grow.

    python benchmarks/growth.py
    python benchmarks/growth.py --series=batch,width

SimCLR of a ResNet-18 of width 16, batches of 256 random images of 32 pixels; one of the
numbers grows while the others stay. The queue is MoCo's. Each point is `tfssl steptime`
in a process of its own; one that is in docs/speed/growth.json is not measured again.
Writes the table of docs/speed.md and the plots docs/speed/growth.svg, for which it
needs matplotlib (the extra `benchmarks`).
"""

import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import budget  # noqa: E402
import pages  # noqa: E402
import peers  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("series", [], "What grows; none: all.")
flags.DEFINE_bool("measure", True, "Measure what is missing, or write it alone.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the figures and the page.")

# What grows: its values, the flags of one, and the flags that stay.
SMALL = ("--encoder=resnet18", "--encoder_width=16")
SERIES = {
    "batch": ((64, 256, 1024, 4096), "--batch_size={}", SMALL),
    "image size": (
        (32, 64, 128, 224),
        "--image_size={}",
        (*SMALL, "--batch_size=32", "--stem=small"),
    ),
    "width": ((8, 16, 32, 64), "--encoder_width={}", SMALL[:1]),
    "queue": (
        (4096, 16384, 65536),
        "--set=queue_size={}",
        (*SMALL, "--method=moco_v2"),
    ),
    "replicas": (
        (1, 2, 4),
        "--virtual_devices={}",
        (*SMALL, "--strategy=mirrored"),
    ),
    "images": ((1_000, 10_000, 100_000, 1_000_000), None, SMALL),
}
HEADING = ("what grows", "", "images a second", "memory, MiB")


def main():
    wanted = FLAGS.series or list(SERIES)
    if unknown := set(wanted) - set(SERIES):
        raise ValueError(f"--series must be of {list(SERIES)}. Received: {unknown}")
    from tfssl import files

    file = Path(FLAGS.output) / "speed" / "growth.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    for name in wanted if FLAGS.measure else ():
        for value in SERIES[name][0]:
            if str(value) not in known.get(name, {}):
                found = {
                    **peers.described(files.versions(), files.commit()),
                    **point(name, value),
                }
                known.setdefault(name, {})[str(value)] = found
                print(pages.row(*cells(name, value, found)), flush=True)
                file.parent.mkdir(exist_ok=True)
                files.write_text(file, json.dumps(known, indent=1) + "\n")
    lines = ["", pages.row(*HEADING), "|---" * len(HEADING) + "|"]
    for name, points in known.items():
        rows = sorted(points.items(), key=lambda item: int(item[0]))
        lines += [pages.row(*cells(name, value, found)) for value, found in rows]
    pages.write_tables(Path(FLAGS.output) / "speed.md", "growth", lines)
    plot(known, file.with_suffix(".svg"))


def point(name, value):
    """What `steptime` says of a value: a dict."""
    import numpy as np

    _, flag, staying = SERIES[name]
    side = value if name == "image size" else 32
    count = value if name == "images" else 4096
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        images = random.integers(0, 256, (count, side, side, 3), "uint8")
        np.savez(os.path.join(folder, "images.npz"), x_train=images)
        line = budget.call(
            "steptime",
            f"--dataset=npz:{folder}/images.npz",
            "--preset=cifar",
            *staying,
            *([flag.format(value)] if flag else []),
            "--steps=3",
            "--rounds=3",
            "--json",
        )
    found = json.loads(line.splitlines()[-1])
    return {
        each: found[each]
        for each in ("images_per_second", "peak_memory_mib", "precision", "batch_size")
    }


def cells(name, value, found):
    """What a line of the table says."""
    return (
        name,
        f"{int(value):,}",
        f"{found['images_per_second']:,.0f}",
        f"{found['peak_memory_mib']:,.0f}",
    )


def plot(known, file):
    """Images a second and memory against each of the numbers."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures make the same file, of letters and not of their outlines.
    matplotlib.rcParams.update({"svg.hashsalt": "tfssl", "svg.fonttype": "none"})
    from matplotlib import pyplot, ticker

    # One scale for all: what differs little looks so.
    figure, axes = pyplot.subplots(
        2,
        len(known),
        figsize=(2.5 * len(known), 5),
        sharex="col",
        sharey="row",
        squeeze=False,
    )
    quantities = {"images_per_second": "images/s", "peak_memory_mib": "MiB"}
    for column, (name, points) in enumerate(known.items()):
        values = sorted(map(int, points))
        for row, (quantity, label) in enumerate(quantities.items()):
            axis = axes[row][column]
            axis.loglog(values, [points[str(v)][quantity] for v in values], "o-")
            axis.set_xticks(values, [f"{value:,}" for value in values], minor=False)
            axis.minorticks_off()
            axis.tick_params(axis="x", rotation=45)
            axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
            axis.grid(alpha=0.3)
            if not column:
                axis.set_ylabel(label)
        axes[1][column].set_xlabel(name)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    print(f"Look at {file}")


if __name__ == "__main__":
    running.run(main)

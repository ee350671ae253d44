"""All methods, each trained for the same time: the tables of docs/methods.md.

    python benchmarks/methods.py
    python benchmarks/methods.py --sets=cifar10 --data_dir=DIR

Runs `tfssl compare --methods=all` on each set of images, which goes on where it was,
and writes docs/methods.json, the tables of docs/methods.md and a plot of each, for
which it needs matplotlib (the extra `benchmarks`). Each run takes its budget of
minutes, and some more to start, to compile and to be measured.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import budget  # noqa: E402
import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("sets", ["digits"], "Some of digits, cifar10.")
flags.DEFINE_string("data_dir", None, "Folder of prepared tensorflow-datasets.")
flags.DEFINE_string("workdir", str(ROOT / "runs" / "methods"), "Folder of the runs.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of methods.json and .md.")
flags.DEFINE_integer("jobs", 1, "Runs at a time, see tfssl compare.", lower_bound=1)
flags.DEFINE_bool("measure", True, "Measure what is missing, or write tables alone.")

# What each set is compared with.
SETS = {
    "digits": {
        "title": "Handwritten digits, {minutes:g} minutes each, {seeds}",
        "flags": [
            "--dataset=digits",
            "--budget_minutes=0.5",
            "--seeds=0,1,2",
            "--k=20",
        ],
    },
    "cifar10": {
        "title": "CIFAR-10, {minutes:g} minutes each, {seeds}",
        "flags": [
            "--dataset=tfds:cifar10",
            "--budget_minutes=20",
            # The same small ResNet for those that take one.
            "--pretrain=barlow_twins,byol,lejepa,moco_v1,moco_v2,moco_v3,nnclr,simclr,"
            "simclr_v2,simsiam,swav,vicreg,visreg,dino,cmc: --encoder_width=16",
            # Each image is 49 patches: the deeper one gets through an epoch.
            "--pretrain=cpc: --encoder=resnet10 --encoder_width=16",
            # As many weights as the ResNet has, and what predicts is half as wide too.
            # They get through few epochs, of which smaller batches make more steps.
            "--pretrain=mae,ijepa: --encoder_width=96 --set=encoder.depth=6 "
            "--set=encoder.heads=3 --batch_size=64 --warmup_epochs=0.5",
            "--pretrain=mae: --set=decoder_width=96",
            "--pretrain=ijepa: --set=predictor_width=48 --learning_rate=4e-3",
        ],
    },
}


def main():
    import matplotlib  # noqa: F401, before hours of work

    file = Path(FLAGS.output) / "methods.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    for name in FLAGS.sets:
        workdir = Path(FLAGS.workdir) / name
        if FLAGS.measure:
            compare(name, workdir)
        rows = json.loads((workdir / "results.json").read_text())
        known[name] = [without_details(row) for row in rows]
    from tfssl import files

    files.write_text(file, json.dumps(known, indent=1) + "\n")
    write_tables(known)
    for name, rows in known.items():
        plot(rows, Path(FLAGS.output) / picture(name))


def compare(name, workdir):
    """Trains and measures what is missing."""
    data = [f"--data_dir={FLAGS.data_dir}"] if FLAGS.data_dir else []
    command = [
        sys.executable,
        ROOT / "scripts" / "compare.py",
        "--methods=all",
        *SETS[name]["flags"],
        *data,
        f"--jobs={FLAGS.jobs}",
        f"--workdir={workdir}",
        f"--output={workdir / 'comparison.html'}",
    ]
    if subprocess.run(command).returncode:
        raise RuntimeError(f"The comparison on {name} failed; see above.")


def without_details(row):
    """A row with the values of its results alone."""
    plain = {
        key: [{"value": result["value"]} for result in row[key]]
        for key in ("results", "untrained")
    }
    return {**row, **plain}


def write_tables(known):
    """Puts the tables in their place in methods.md."""
    lines = []
    for name, rows in known.items():
        count = len({row["seed"] for row in rows})
        seeds = f"{count} seed{'s' * (count > 1)}"
        title = SETS[name]["title"].format(minutes=rows[0]["minutes"], seeds=seeds)
        lines += [f"\n### {title}\n", pages.row(*budget.HEADING)]
        lines.append("|---" * len(budget.HEADING) + "|")
        networks = {}
        for of_one in budget.by_method(rows):
            lines.append(pages.row(*budget.cells(of_one)))
            untrained = budget.cells(of_one, "untrained")[1:]
            networks.setdefault(untrained, []).append(of_one[0]["method"])
        for untrained, methods in networks.items():
            lines.append(pages.row(f"*untrained*: {', '.join(methods)}", *untrained))
        lines += ["", f"![The last two columns as a plot]({picture(name)})"]
    pages.write_tables(Path(FLAGS.output) / "methods.md", "methods", lines)


def picture(name):
    """File of the plot of a set of images."""
    return f"methods_{name}.svg"


def plot(rows, file):
    """Accuracy with few labels: a line for each method, the best on top."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures make the same file, of letters and not of their outlines.
    matplotlib.rcParams.update({"svg.hashsalt": "tfssl", "svg.fonttype": "none"})
    import numpy as np
    from matplotlib import pyplot

    methods = budget.by_method(rows)[::-1]
    places = np.arange(len(methods))
    figure, axis = pyplot.subplots(figsize=(7, 1 + 0.25 * len(methods)))
    # The last results are those with few labels.
    for at, count in enumerate(budget.LABELS_PER_CLASS, -len(budget.LABELS_PER_CLASS)):

        def values(results, at=at):
            return [[row[results][at]["value"] for row in of] for of in methods]

        trained = values("results")
        mean = [np.mean(each) for each in trained]
        # To the lowest and the highest of the seeds.
        reach = [
            [m - min(each) for m, each in zip(mean, trained, strict=True)],
            [max(each) - m for m, each in zip(mean, trained, strict=True)],
        ]
        label = f"{count} labels per class"
        bars = axis.errorbar(mean, places, xerr=reach, fmt="o", ms=5, label=label)
        axis.plot(
            [np.mean(each) for each in values("untrained")],
            places,
            "|",
            ms=10,
            color=bars[0].get_color(),
            label=f"{count}, untrained",
        )
    axis.set_yticks(places, [of_one[0]["method"] for of_one in methods])
    axis.set_xlabel("accuracy on test images")
    axis.grid(alpha=0.3)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None})
    print(f"Look at {file}")


if __name__ == "__main__":
    running.run(main)

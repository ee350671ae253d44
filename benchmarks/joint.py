"""Pretraining and fine-tuning in one, against the two one after the other.

    python benchmarks/joint.py

On the handwritten digits, with few labels: SimCLR for some minutes and then a
classifier from its encoder, frozen or fine-tuned; and `joint` with the same loss and
the same labels for the same time, that of fine-tuning included. Writes docs/joint.json
and the table of docs/methods.md; a row that is in docs/joint.json is not measured
again.
"""

import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import budget  # noqa: E402
import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_float("minutes", 0.5, "Of SimCLR, and as much for joint.", lower_bound=0)
flags.DEFINE_list("labels_per_class", ["5", "25"], "Numbers of labels.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Of weights, views and labelled images.")
flags.DEFINE_string("workdir", str(ROOT / "runs" / "joint"), "Folder of the runs.")
flags.DEFINE_string(
    "output", str(ROOT / "docs"), "Folder of joint.json and methods.md."
)

DATA = ["--dataset=digits"]
# SimCLR as joint has it, so that the stages are all that differs.
SIMCLR = ["--set=temperature=0.1", "--set=projector=none"]


def main():
    running.start("float32")
    from tfssl import data, files

    file = Path(FLAGS.output) / "joint.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    done = {(row["labels_per_class"], row["seed"]) for row in rows}
    train, test = (data.load("digits", split) for split in ("train", "test"))
    for count in map(int, FLAGS.labels_per_class):
        for seed in map(int, FLAGS.seeds):
            if (count, seed) not in done:
                rows.append(measure(count, seed, train, test))
                print(rows[-1], flush=True)
                files.write_text(file, json.dumps(rows, indent=1) + "\n")
    write_table(rows)


def measure(count, seed, train, test):
    """Accuracies on the test images of one draw of the labels: a dict."""
    import numpy as np

    from tfssl import files, transfer

    stages = budget.Comparison(
        Path(FLAGS.workdir), FLAGS.minutes, DATA, lambda method: SIMCLR
    )
    row = {"method": "simclr", "seed": seed}
    stages.workdir.mkdir(parents=True, exist_ok=True)
    epochs = stages.epochs(stages.step_time("simclr"))
    stages.measured("simclr", seed, epochs, stages.folder(row))
    # Kept, so that the time of joint stays the same when this is interrupted.
    file = stages.folder(row) / f"{count}-labels.json"
    if not file.exists():
        found = classified(
            stages.folder(row) / "encoder.keras", train, test, count, seed
        )
        files.write_text(file, json.dumps(found))
    found = json.loads(file.read_text())
    both = budget.Comparison(
        stages.workdir / f"{count}-labels",
        FLAGS.minutes + found["finetuning_seconds"] / 60,
        DATA,
        lambda method: [f"--labels_per_class={count}"],
    )
    both.workdir.mkdir(parents=True, exist_ok=True)
    run = {"method": "joint", "seed": seed}
    joint_epochs = both.epochs(both.step_time("joint"))
    both.measured("joint", seed, joint_epochs, both.folder(run))
    classifier = transfer.load_classifier(both.folder(run) / "classifier.keras")
    right = transfer.predict(classifier, test.images).argmax(axis=1) == test.labels
    return {
        "labels_per_class": count,
        "seed": seed,
        "epochs": epochs,
        "joint_epochs": joint_epochs,
        **found,
        "joint": float(np.mean(right)),
    }


def classified(path, train, test, count, seed):
    """The second stage: accuracies, and how long fine-tuning took; a dict."""
    import keras

    from tfssl import transfer

    encoder = keras.saving.load_model(path, compile=False)
    # A digit is another one when it is flipped.
    few = {"labels_per_class": count, "draws": 1, "seed": seed, "augment": None}
    found = {}
    for mode in ("frozen", "finetuned"):
        start = time.perf_counter()
        found[mode] = transfer.few_label_accuracy(
            encoder, train, test, mode, **few
        ).value
    return {**found, "finetuning_seconds": time.perf_counter() - start}


def write_table(rows):
    """Puts the table in its place in methods.md."""
    lines = [
        "",
        "| labels per class | two stages, frozen | two stages, fine-tuned | joint |",
        "|---|---|---|---|",
    ]
    for count in sorted({row["labels_per_class"] for row in rows}):
        cells = [str(count)]
        for name in ("frozen", "finetuned", "joint"):
            values = [r[name] for r in rows if r["labels_per_class"] == count]
            cells.append(
                f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"
            )
        lines.append(pages.row(*cells))
    pages.write_tables(Path(FLAGS.output) / "methods.md", "joint", lines)


if __name__ == "__main__":
    running.run(main)

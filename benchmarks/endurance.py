"""Does a long run hold its memory? 500 epochs, for some of the methods.

    python benchmarks/endurance.py
    KERAS_BACKEND=jax python benchmarks/endurance.py --cases=simclr

Trains cases of the tests on few images and looks at the resident memory of the process
and at how often the step was traced. Writes docs/endurance.json and the table of
docs/reliability.md.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests" / "methods")]

import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "cases",
    ["simclr", "moco_v2", "cmc_nce", "dino", "context_encoder_adversarial"],
    "Cases of tests/methods/cases.py: plain, with a queue, a bank, a teacher, an "
    "adversary.",
)
flags.DEFINE_integer("epochs", 500, "Epochs of each.", lower_bound=2)
flags.DEFINE_integer("num_images", 128, "Images of an epoch.", lower_bound=32)
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of the file and the page.")


def main():
    running.start("float32")
    import keras

    from tfssl import files

    file = Path(FLAGS.output) / "endurance.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    for name in FLAGS.cases:
        key = f"{name}, {keras.backend.backend()}"
        found[key] = {**measure(name), "commit": files.commit()}
        print(key, found[key], flush=True)
        files.write_text(file, json.dumps(found, indent=1) + "\n")
    write_table(found)


def measure(name):
    """Memory and traces of a run: a dict.

    Returns:
        `memory_mib` after a tenth of the epochs and at the end, medians of ten epochs;
        `traces` of the step in the first two epochs and after them.
    """
    import statistics

    import cases
    import keras

    model = cases.make(name)
    images, *labels = cases.data(model, cases.images(FLAGS.num_images))
    memory, traces = [], []
    loss_of = model.views_loss
    traced = 0

    def counted(batch):
        nonlocal traced
        traced += 1
        return loss_of(batch)

    # What is compiled calls it only while it is traced.
    model.views_loss = counted

    def look(epoch, logs):
        memory.append(resident_mib())
        traces.append(traced)

    model.fit(
        images,
        *labels,
        batch_size=32,
        epochs=FLAGS.epochs,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look)],
        verbose=0,
    )
    tenth = max(FLAGS.epochs // 10, 1)
    early, late = memory[tenth : tenth + 10] or memory[-1:], memory[-10:]
    return {
        "epochs": FLAGS.epochs,
        "steps": FLAGS.epochs * (FLAGS.num_images // 32),
        "memory_mib": [statistics.median(early), statistics.median(late)],
        "traces": [traces[1], traces[-1] - traces[1]],
    }


def resident_mib():
    """Memory of this process that is in use now."""
    pages_of_process = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_of_process * os.sysconf("SC_PAGE_SIZE") / 2**20


def write_table(found):
    """Puts the table in its place in reliability.md."""
    lines = [
        "",
        "| case | epochs, steps | MiB after a tenth | MiB at the end | growth | traces "
        "in the first two epochs, and after |",
        "|---|---|---|---|---|---|",
    ]
    for key, run in found.items():
        early, late = run["memory_mib"]
        lines.append(
            pages.row(
                key,
                f"{run['epochs']}, {run['steps']:,}",
                f"{early:.0f}",
                f"{late:.0f}",
                f"{(late / early - 1) * 100:+.1f} %",
                ", ".join(map(str, run["traces"])),
            )
        )
    pages.write_tables(Path(FLAGS.output) / "reliability.md", "endurance", lines)


if __name__ == "__main__":
    running.run(main)

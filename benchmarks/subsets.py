"""Which training images had a label: the subsets of all figures with few labels.

    python benchmarks/subsets.py --dataset=tfds:cifar10 --data_dir=DIR

Writes docs/subsets/NAME.json: for each number of labels per class the positions of the
images, a list for each draw, counted in the order in which the data set is read. A
checksum of all labels in that order tells whether another reader has the same order.
"""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import common  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
common.define_data_flags()
flags.DEFINE_list("labels_per_class", ["1", "4", "25", "100"], "Numbers of labels.")
flags.DEFINE_integer("draws", 5, "Subsets of each.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of the first draw; the next ones follow.")
flags.DEFINE_string("output", str(ROOT / "docs" / "subsets"), "Folder of the file.")


def main():
    running.start("float32")
    from tfssl import files

    dataset = common.without_folder(FLAGS.dataset)
    labels = common.load_data("train").labels
    found = {
        "dataset": dataset,
        "split": "train",
        "images": len(labels),
        "sha256_of_labels": checksum(labels),
        "seed": FLAGS.seed,
        "subsets": {
            count: [rows.tolist() for rows in draws(labels, int(count))]
            for count in FLAGS.labels_per_class
        },
    }
    file = Path(FLAGS.output) / f"{dataset.rpartition(':')[2]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(file, written(found))
    print(f"Look at {file}")


def draws(labels, count):
    """The subsets that `tfssl evaluate` and `finetune` draw: a list of arrays."""
    from tfssl.transfer import subsets

    return subsets.few_label_draws(labels, count, draws=FLAGS.draws, seed=FLAGS.seed)


def checksum(labels):
    """The sha256 of the labels, a byte each."""
    return hashlib.sha256(bytes(labels.tolist())).hexdigest()


def written(found):
    """As JSON with a line for each subset."""
    text = json.dumps({**found, "subsets": "HERE"}, indent=1)
    subsets = json.dumps(found["subsets"]).replace("[[", "[\n  [")
    subsets = subsets.replace("], [", "],\n  [").replace(']], "', ']],\n  "')
    return text.replace('"HERE"', subsets) + "\n"


if __name__ == "__main__":
    running.run(main)

"""Does an encoder help on images that it never saw?

    python benchmarks/transfer.py

Measures pixels, the network untrained, the encoder's features and those of several of
its layers on Fashion-MNIST and on handwritten digits, and writes docs/transfer.json and
the tables of docs/transfer.md. A row that is in docs/transfer.json is not measured
again.

Fashion-MNIST is read from the files of Debian's package dataset-fashion-mnist.
"""

import gzip
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("encoder", "simclr_resnet18w16_cifar10", "Name in the zoo.")
flags.DEFINE_list("datasets", ["fashion_mnist", "digits"], "What to measure on.")
flags.DEFINE_string(
    "fashion_mnist", "/usr/share/datasets/fashion-mnist", "Folder of its files."
)
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of transfer.json and .md.")
flags.DEFINE_integer("draws", 5, "Draws of few labels.", lower_bound=1)

LABELS_PER_CLASS = (5, 25)
NEIGHBOURS = 20
# The layers and the pooling of each row; those of a ResNet.
LAYERS = {
    "last map, 2 x 2 cells": (None, "grid2"),
    "last two stages, mean": (["stage3_block2_out", "stage4_block2_out"], "mean"),
    "last three stages, 2 x 2 cells": (
        [f"stage{stage}_block2_out" for stage in (2, 3, 4)],
        "grid2",
    ),
}
TITLES = {"fashion_mnist": "Fashion-MNIST", "digits": "handwritten digits"}
HEADING = (
    f"| | kNN, k = {NEIGHBOURS} | 5 labels per class | 25 labels per class "
    "| all labels |\n"
    "|---|---|---|---|---|"
)


def main():
    running.start("float32")
    from tfssl import files

    file = Path(FLAGS.output) / "transfer.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    done = json.loads(file.read_text()) if file.exists() else {}
    for dataset in FLAGS.datasets:
        train, test = images_of(dataset)
        for row, encoder in rows(train.images.shape[1:3]).items():
            key = f"{FLAGS.encoder}: {dataset}: {row}"
            if key in done:
                continue
            print(key, flush=True)
            done[key] = {
                "versions": files.versions(),
                "commit": files.commit(),
                "results": [
                    result.to_dict() for result in measure(encoder, train, test)
                ],
            }
            files.write_text(file, json.dumps(done, indent=1) + "\n")
    write_tables(done)


def images_of(dataset):
    """The train and the test split, as `tfssl.data.ImageData`."""
    from tfssl import data

    if dataset == "fashion_mnist":
        return [fashion_mnist(split) for split in ("train", "t10k")]
    return [data.load(dataset, split) for split in ("train", "test")]


def fashion_mnist(split):
    """A split of Fashion-MNIST, with its grey in all three channels."""
    import numpy as np

    from tfssl import data

    def read(name, header):
        path = os.path.join(FLAGS.fashion_mnist, f"{split}-{name}-ubyte.gz")
        with gzip.open(path) as file:
            return np.frombuffer(file.read(), "uint8", offset=header)

    grey = read("images-idx3", 16).reshape(-1, 28, 28, 1)
    return data.ImageData(
        np.repeat(grey, 3, axis=-1), read("labels-idx1", 8).astype(int)
    )


def rows(size):
    """What is measured: names, and models from images to features."""
    import keras

    from tfssl import transfer, zoo

    encoder = zoo.load(FLAGS.encoder)
    keras.utils.set_random_seed(0)
    last = encoder.layers[-2].name
    found = {
        "pixels": transfer.pixels(size),
        "the network, untrained": transfer.reinitialized(encoder),
        "features": encoder,
    }
    for row, (layer, pool) in LAYERS.items():
        found[row] = transfer.feature_model(encoder, layer or last, pool)
    return found


def measure(encoder, train, test):
    """The results of all protocols."""
    from tfssl import transfer

    x, y = (transfer.features(encoder, part.images) for part in (train, test))
    data = x, train.labels, y, test.labels
    results = [transfer.knn(*data, k=NEIGHBOURS)]
    for count in LABELS_PER_CLASS:
        results.append(transfer.few_label_linear(*data, count, draws=FLAGS.draws))
    results.append(transfer.linear_probe(*data))
    for result in results:
        print(f"  {result}", flush=True)
    return [result.with_settings(feature_dim=x.shape[1]) for result in results]


def write_tables(done):
    """Puts the tables in their place in transfer.md."""
    from tfssl.transfer import Result

    tables = []
    for dataset in FLAGS.datasets:
        tables += [f"\n`{FLAGS.encoder}` on {TITLES[dataset]}:\n", HEADING]
        start = f"{FLAGS.encoder}: {dataset}: "
        for key, measured in done.items():
            if key.startswith(start):
                results = map(Result.from_dict, measured["results"])
                row = pages.row(key.removeprefix(start), *map(_cell, results))
                tables.append(row)
    pages.write_tables(Path(FLAGS.output) / "transfer.md", "transfer", tables)


def _cell(result):
    spread = "" if result.std is None else f" ± {result.std:.3f}"
    return f"{result.value:.3f}{spread}"


if __name__ == "__main__":
    running.run(main)

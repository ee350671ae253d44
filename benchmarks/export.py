"""Does a file that runs elsewhere say what the model says?

    pip install '.[export]'
    python benchmarks/export.py --data_dir=DIR

Exports three models to each format, runs each file in its runtime, and writes
docs/export.json and the tables of docs/export.md. Then it measures what quantization
costs the zoo's small encoder: kNN on CIFAR-10, of its first images. A row that is in
docs/export.json is not measured again.
"""

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import pages  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("encoder", "simclr_resnet18w16_cifar10", "Name in the zoo.")
flags.DEFINE_string("dataset", "tfds:cifar10", "Of the encoder, with labels.")
flags.DEFINE_string("data_dir", None, "Folder of prepared tensorflow-datasets.")
flags.DEFINE_integer("train_images", 10000, "That kNN looks among.", lower_bound=1)
flags.DEFINE_integer("test_images", 2000, "That are classified.", lower_bound=1)
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder of export.json and .md.")

# Format, and how it is quantized.
WAYS = (
    ("keras", None),
    ("saved_model", None),
    ("onnx", None),
    ("litert", None),
    ("litert", "dynamic"),
    ("litert", "int8"),
)
# How the file that is measured by kNN was quantized, and calibrated.
QUANTIZED = {
    "not quantized": (None, False),
    "dynamic": ("dynamic", False),
    "int8, calibrated on random pictures": ("int8", False),
    "int8, calibrated on 200 training images": ("int8", True),
}


def main():
    running.start("float32")
    from tfssl import files

    file = Path(FLAGS.output) / "export.json"
    done = json.loads(file.read_text()) if file.exists() else {}
    for kind, measured in (("file", exported()), ("knn", neighbours())):
        for name, measure in measured:
            key = f"{kind}: {name}"
            if key not in done:
                print(key, flush=True)
                done[key] = {**measure(), "commit": files.commit()}
                files.write_text(file, json.dumps(done, indent=1) + "\n")
    write_tables(done)


def exported():
    """Yields the name of each row of the first table, and what measures it."""
    models = {}
    for model in (FLAGS.encoder, "vit_tiny", "classifier"):
        for format, quantize in WAYS:

            def measure(model=model, format=format, quantize=quantize):
                if model not in models:
                    models[model] = made(model)
                return written(models[model], format, quantize=quantize)[0]

            yield f"{model}: {format}" + (f", {quantize}" if quantize else ""), measure


def made(name):
    """A model by its name."""
    import keras

    from tfssl import data, encoders, transfer, zoo

    keras.utils.set_random_seed(0)
    if name == "vit_tiny":
        return encoders.vit_tiny(32)
    encoder = zoo.load(FLAGS.encoder)
    if name == FLAGS.encoder:
        return encoder
    few = data.load("digits", image_size=encoder.input_shape[1])
    names = [f"digit {i}" for i in range(10)]
    return transfer.fine_tune(
        encoder, few.images[:200], few.labels[:200], names, mode="frozen"
    )


def written(model, format, images=None, **options):
    """Exports a model, and says what it gives of images in its runtime."""
    import numpy as np

    from tfssl import zoo
    from tfssl.zoo.formats import FORMATS

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{FORMATS[format].ending}"
        about = zoo.export(model, path, format, **options)
        parts = [path] if path.is_file() else path.rglob("*")
        about["bytes"] = sum(x.stat().st_size for x in parts if x.is_file())
        if images is None:
            return about, None
        run = FORMATS[format].run(str(path))
        batches = [
            run(x[start : start + 100].astype("float32"))
            for x in images
            for start in range(0, len(x), 100)
        ]
        return about, np.split(np.concatenate(batches), [len(images[0])])


def neighbours():
    """Yields the name of each row of the second table, and what measures it."""
    loaded = []

    def measure(quantize, own):
        from tfssl import data, transfer

        if not loaded:
            loaded.append(made(FLAGS.encoder))
            for split, count in (
                ("train", FLAGS.train_images),
                ("test", FLAGS.test_images),
            ):
                part = data.load(FLAGS.dataset, split, data_dir=FLAGS.data_dir)
                loaded.append((part.images[:count], part.labels[:count]))
        encoder, (x, y), (x_test, y_test) = loaded
        options = {"calibration": x[:200]} if own else {}
        about, (features, test_features) = written(
            encoder, "litert", (x, x_test), quantize=quantize, **options
        )
        result = transfer.knn(features, y, test_features, y_test)
        counts = {"train_images": len(x), "test_images": len(x_test)}
        return {**about, "result": result.with_settings(**counts).to_dict()}

    for name, how in QUANTIZED.items():
        yield name, lambda how=how: measure(*how)


def write_tables(done):
    """Puts the tables in their place in export.md."""
    table = [
        "",
        "| model | format | run in | MB | largest difference |",
        "|---|---|---|---|---|",
    ]
    knn = ["| | MB | kNN |", "|---|---|---|"]
    for key, row in done.items():
        kind, _, name = key.partition(": ")
        size = f"{row['bytes'] / 1e6:.2f}"
        if kind == "file":
            model, _, format = name.partition(": ")
            difference = row.get("largest_difference")
            found = (
                f"cosine {row['mean_cosine']:.4f}"
                if difference is None
                else f"{difference:.1e}"
            )
            table.append(pages.row(f"`{model}`", format, row["runtime"], size, found))
        else:
            knn.append(pages.row(name, size, f"{row['result']['value']:.4f}"))
    tables = [*table, "", *caption(done), *knn]
    pages.write_tables(Path(FLAGS.output) / "export.md", "export", tables)


def caption(done):
    """What the second table is of."""
    rows = [row["result"]["settings"] for row in done.values() if "result" in row]
    if not rows:
        return []
    settings = rows[0]
    return [
        f"What quantization costs `{FLAGS.encoder}`: kNN with k = {settings['k']}, "
        f"T = {settings['temperature']},",
        f"of the first {settings['test_images']:,} test images of CIFAR-10 among the "
        f"first {settings['train_images']:,} training images,",
        "features of the LiteRT file:",
        "",
    ]


if __name__ == "__main__":
    running.run(main)

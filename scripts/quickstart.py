"""The whole path in a few minutes, on handwritten digits: nothing to download.

    tfssl quickstart

Pretrains a small encoder on 1,297 digits without their labels. Then takes 5 labels of
each class, five times over, and compares three classifiers: the same network trained
from scratch, the frozen encoder, and the fine-tuned encoder. Writes a report, publishes
the encoder into a local zoo and loads it back.
"""

import shutil
import time
from pathlib import Path

import running
from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "workdir", "runs/quickstart", "Folder of the run; an earlier run is replaced."
)
flags.DEFINE_integer("epochs", 60, "Passes over the images.", lower_bound=1)
flags.DEFINE_integer("labels_per_class", 5, "Labelled images per class.", lower_bound=1)
flags.DEFINE_integer("draws", 5, "Draws of the labelled images.", lower_bound=2)
flags.DEFINE_integer("steps", 200, "Updates with labels.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Seed of everything.", lower_bound=0)


def main():
    started = time.perf_counter()
    running.start("float32", seed=FLAGS.seed)
    import tfssl
    from tfssl import runs

    train = tfssl.data.load("digits", "train")
    test = tfssl.data.load("digits", "test")
    recipe = tfssl.methods.recipe("simclr", image_size=16, preset="digits")
    recipe = recipe.replace(epochs=FLAGS.epochs)
    run = runs.Workdir(
        new_workdir(FLAGS.workdir),
        runs.settings(recipe, train, dataset="digits", seed=FLAGS.seed),
    )
    with runs.alone(run.path):
        whole_path(run, recipe, train, test)
    print(f"All of it took {time.perf_counter() - started:.0f} seconds.")


def whole_path(run, recipe, train, test):
    """Pretraining, labels, a zoo and the report."""
    import tfssl
    from tfssl import runs, transfer

    print(f"1. Pretraining on {len(train.images):,} images without labels")
    model = recipe.make(len(train.images), seed=FLAGS.seed)
    model.fit(
        train.images,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        callbacks=run.callbacks(),
        verbose=2,
    )
    run.finish(model)

    print(f"\n2. {FLAGS.labels_per_class} labels per class, {FLAGS.draws} draws")
    results = [
        transfer.few_label_accuracy(
            model.encoder,
            train,
            test,
            mode,
            labels_per_class=FLAGS.labels_per_class,
            draws=FLAGS.draws,
            steps=FLAGS.steps,
            augment=None,
            seed=FLAGS.seed,
        )
        for mode in ("scratch", "frozen", "finetuned")
    ]
    print(transfer.table(results))
    transfer.write_results(
        run.path / "finetune.json", results, encoder="encoder.keras", dataset="digits"
    )

    print("\n3. Publishing, and loading back")
    name, zoo = "simclr_digits", run.path / "zoo"
    card = {
        **run.info["settings"],
        "metrics": [result.to_dict() for result in results],
        "versions": run.info["versions"],
    }
    tfssl.zoo.publish(
        model.encoder, name, zoo=zoo, card=card, projector=model.projector
    )
    encoder = tfssl.zoo.load(name, source=zoo)
    difference = transfer.features(encoder, test.images) - transfer.features(
        model.encoder, test.images
    )
    if abs(difference).max() > 1e-4:
        raise RuntimeError("The encoder that was loaded back gives other features.")
    print(f'encoder = tfssl.zoo.load("{name}", source="{zoo}")')

    report = runs.write_run_report(run, model, train, test)
    print(f"\nLook at {report}")


def new_workdir(path):
    """The folder, empty; only a folder of a run is replaced."""
    path = Path(path)
    if (path / "run.json").exists():
        from tfssl import runs

        with runs.alone(path):
            shutil.rmtree(path)
    return path


if __name__ == "__main__":
    running.run(main)

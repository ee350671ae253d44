"""The whole path in three minutes, on handwritten digits: nothing to download.

    python scripts/quickstart.py

Pretrains a small encoder on 1,297 digits without their labels. Then takes 5 labels of
each class, five times over, and compares three classifiers: the same network trained
from scratch, the frozen encoder, and the fine-tuned encoder. Writes a report, publishes
the encoder into a local zoo and loads it back.
"""

import dataclasses
import shutil
import time
from pathlib import Path

import common
from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "workdir", "runs/quickstart", "Folder of the run; an earlier run is replaced."
)
flags.DEFINE_integer("epochs", 60, "Passes over the images.", lower_bound=1)
flags.DEFINE_integer("labels_per_class", 5, "Labelled images a class.", lower_bound=1)
flags.DEFINE_integer("draws", 5, "Draws of the labelled images.", lower_bound=2)
flags.DEFINE_integer("steps", 200, "Updates with labels.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Seed of everything.", lower_bound=0)


def main():
    import tfssl
    from tfssl.training import devices

    started = time.perf_counter()
    devices.set_up("float32", seed=FLAGS.seed)
    train = tfssl.data.load("digits", "train")
    test = tfssl.data.load("digits", "test")
    recipe = tfssl.methods.recipe("simclr", image_size=16, preset="digits")
    recipe = dataclasses.replace(recipe, epochs=FLAGS.epochs)
    workdir = new_workdir(FLAGS.workdir)
    run = tfssl.training.Workdir(
        workdir,
        {
            "method": "simclr",
            "dataset": "digits",
            **dataclasses.asdict(recipe),
            "seed": FLAGS.seed,
            "images": len(train.images),
        },
    )

    print(f"1. Pretraining on {len(train.images):,} images without labels")
    model = pretrain(run, recipe, train)

    print(f"\n2. {FLAGS.labels_per_class} labels a class, {FLAGS.draws} draws")
    results = [
        tfssl.transfer.finetune(
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
        for mode in ("scratch", "frozen", "full")
    ]
    common.write_results(
        str(workdir / "finetune.json"), "encoder.keras", "digits", results
    )

    print("\n3. Publishing, and loading back")
    name = "simclr_digits"
    card = {
        **run.info["settings"],
        "metrics": results,
        "versions": run.info["versions"],
    }
    tfssl.zoo.publish(
        model.encoder, name, zoo=workdir / "zoo", card=card, projector=model.projector
    )
    encoder = tfssl.zoo.load(name, source=workdir / "zoo")
    same = tfssl.transfer.features(encoder, test.images)
    if not (same == tfssl.transfer.features(model.encoder, test.images)).all():
        raise RuntimeError("The encoder that was loaded back gives other features.")
    print(f'encoder = tfssl.zoo.load("{name}", source="{workdir / "zoo"}")')

    common.report_run(run, model, train, test)
    print(f"\nLook at {workdir / 'report.html'}")
    print(f"All of it took {time.perf_counter() - started:.0f} seconds.")


def new_workdir(path):
    """The folder, empty; only a folder of a run is replaced."""
    path = Path(path)
    if (path / "run.json").exists():
        shutil.rmtree(path)
    return path


def pretrain(run, recipe, train):
    """SimCLR of a small network, with views that leave a digit what it is."""
    import tfssl

    model = tfssl.methods.SimCLR(
        tfssl.encoders.dim_cnn(image_size=16, width=recipe.encoder_width),
        views=tfssl.views.DigitViews(image_size=16),
        seed=FLAGS.seed,
        **recipe.arguments,
    )
    model.compile(recipe.make_optimizer(len(train.images), recipe.epochs))
    model.fit(
        train.images,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        callbacks=run.callbacks(epoch=0),
        verbose=2,
    )
    run.save_model(model.encoder, "encoder")
    run.save_model(model.projector, "projector")
    run.record(finished=True)
    return model


if __name__ == "__main__":
    common.run(main)

"""Pretrain an encoder on images without labels.

    tfssl pretrain --dataset=digits --workdir=runs/digits
    tfssl pretrain --encoder=resnet18 --encoder_width=16 \\
        --dataset=tfds:cifar10 --epochs=16 --workdir=runs/cifar10
    tfssl pretrain --dataset=folder:my_photos --workdir=runs/photos

The workdir receives the encoder (encoder.keras), its projector, the metrics of each
epoch (metrics.csv), TensorBoard logs and a report to look at (report.html). The same
command again continues an interrupted run where it was. SIGTERM saves the state and
ends the program with the exit code 75. --method=joint learns from labels too, and
leaves a classifier for tfssl predict (classifier.keras).

Then: tfssl evaluate, tfssl finetune and tfssl publish.
"""

import contextlib
import hashlib
import os
import sys

import common
import recipe_flags
import running
import seeds
from absl import flags

FLAGS = flags.FLAGS
# Images that kNN is measured with while it trains, of the training and of the test
# split: at most so many, and of a streamed set so many.
HELD, STREAMED = (50_000, 10_000), (20_000, 4_000)
common.define_data_flags()
recipe_flags.define_recipe_flags()
common.define_device_flags()
# For --help.
flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(recipe_flags)

flags.DEFINE_string(
    "workdir", None, "Folder of the run; made if it does not exist.", required=True
)


flags.DEFINE_integer(
    "knn_every",
    1,
    "Epochs between measurements of kNN accuracy, for data with labels; 0: never. At "
    f"most {HELD[0]:,} training and {HELD[1]:,} test images are taken, of a streamed "
    f"set {STREAMED[0]:,} and {STREAMED[1]:,}.",
    lower_bound=0,
)
flags.DEFINE_bool(
    "stop_unhealthy", True, "Stop when the loss is not finite or features collapse."
)
flags.DEFINE_float(
    "checkpoint_minutes",
    10.0,
    "Minutes between checkpoints within an epoch; each epoch ends with one too.",
    lower_bound=0,
)
flags.DEFINE_list(
    "seeds",
    [],
    "Several seeds instead of --seed, such as 0,1,2: a run each, one after the other, "
    "in WORKDIR/seed-N. Compare them with `tfssl compare WORKDIR/*`.",
)
flags.register_validator(
    "seeds",
    lambda seeds: common.are_counts(seeds, minimum=0),
    "must be whole numbers, such as 0,1,2",
)
flags.DEFINE_bool("report", True, "Write report.html at the end.")


def main():
    if FLAGS.seeds:
        return seeds.run_each(os.path.abspath(__file__), FLAGS.seeds, FLAGS.workdir)
    precision = running.start(
        recipe_flags.precision(), FLAGS.virtual_devices, FLAGS.seed, FLAGS.deterministic
    )
    # Imported here so that --help answers at once.
    import numpy as np

    from tfssl import methods, runs, transfer
    from tfssl.runs.devices import device_names

    train = common.load_data("train")
    test = None
    if train.labels is not None:
        test, reason = common.load_test()
        if test is None:
            print(f"No kNN and no map of test images: {reason}")
    watching = watchers(train, test)
    strategy = runs.strategy(FLAGS.strategy)
    with runs.scope(strategy):
        encoder = recipe_flags.initial_encoder()
    recipe = recipe_flags.chosen_recipe(train, encoder)
    labels = recipe_flags.known_labels(train, recipe.method_class)
    print(methods.summary(recipe, len(train), encoder))
    for concern in methods.concerns(recipe, len(train)):
        print(f"Note: {concern}")
    with runs.scope(strategy):
        model = recipe.make(len(train), seed=FLAGS.seed, encoder=encoder)
    model.check_batch(recipe.batch_size)
    settings = runs.settings(
        recipe,
        train,
        **{
            **common.flag_values(common, recipe_flags, sys.modules[__name__]),
            "precision": precision,
        },
    )
    if labels is not None:
        # A table that has grown, or another one, is another run.
        digest = hashlib.sha256(labels.astype("<i8").tobytes())
        settings["labels_sha256"] = digest.hexdigest()
    if encoder is not None:
        # That of the recipe was not made.
        settings.update(encoder=FLAGS.init, encoder_width=None, encoder_arguments={})
    # A refused argument leaves no folder behind.
    run = runs.Workdir(FLAGS.workdir, settings)
    chief = runs.is_chief(strategy)
    labelled = ""
    if labels is not None:
        labelled = f", {np.count_nonzero(labels >= 0):,} of them with a label"
    print(
        f"{FLAGS.method} of {model.encoder.name} ({model.encoder.count_params():,} "
        f"weights) on {len(train.images):,} images of {train.name}{labelled}, "
        f"{precision}, by {device_names()}."
    )
    # Of several workers one writes.
    with runs.alone(run.path) if chief else contextlib.nullcontext():
        pretrain(run, model, recipe, train, labels, watching, chief)
        if chief:
            run.finish(model)
            print(f"Saved {run.path / 'encoder.keras'}")
            if labels is not None:
                common.save_classifier(
                    transfer.ImageClassifier.of(
                        model.encoder, *model.head.get_weights(), train.class_names
                    ),
                    run.path / "classifier.keras",
                    test,
                    "there is no test split with labels",
                )
            if FLAGS.report:
                runs.write_run_report(run, model, train, test)
                print(f"Look at {run.path / 'report.html'}")


def pretrain(run, model, recipe, train, labels, callbacks, chief):
    """Trains from where the run is to its end; the chief of the workers saves."""
    from tfssl import runs

    position = run.restore(model)
    if position != runs.START:
        print(f"Continuing {FLAGS.workdir} after {position} of {recipe.epochs}.")
    if position.epoch >= recipe.epochs:
        if position.epoch:
            # As at the end of `fit`, for optimizers that average the weights.
            model.optimizer.finalize_variable_values(model.trainable_variables)
        return
    # The other workers go on until the chief, which saves, is gone.
    with runs.termination() as terminated:
        shown = train.images[runs.sample(train.labels, len(train), most=8)]
        callbacks = callbacks + run.callbacks(
            position,
            FLAGS.checkpoint_minutes,
            shown,
            terminated if chief else None,
            writes=chief,
        )
        model.fit(
            train.images,
            labels,
            batch_size=recipe.batch_size,
            epochs=recipe.epochs,
            initial_epoch=position.epoch,
            initial_step=position.step,
            callbacks=callbacks,
            verbose=1 if sys.stdout.isatty() else 2,
        )


def watchers(train, test):
    """Callbacks that measure and guard the run."""
    from tfssl import training, transfer

    callbacks = [training.HealthCheck(stop=FLAGS.stop_unhealthy)]
    if test is not None and FLAGS.knn_every:
        bank, queries = monitored(train, 0), monitored(test, 1)
        callbacks.append(
            transfer.KNNCallback(
                train=bank,
                test=queries,
                k=min(200, len(bank[0])),
                every=FLAGS.knn_every,
            )
        )
    return callbacks


def monitored(part, place):
    """Images and labels to measure each epoch; place 0 is the bank, 1 the queries."""
    import numpy as np

    from tfssl import runs, training
    from tfssl.data.storage import take

    streamed = isinstance(part.images, training.StreamedImages)
    most = (STREAMED if streamed else HELD)[place]
    rows = np.flatnonzero(part.labels >= 0)
    # Of all of them alike, so that the classes are as frequent as they are.
    rows = rows[np.sort(runs.sample(None, len(rows), most))]
    if len(rows) == len(part):
        return part.images, part.labels
    return take(part.images, rows), part.labels[rows]


if __name__ == "__main__":
    running.run(main)

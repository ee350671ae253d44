"""Measure what an encoder is worth with few labels.

    tfssl finetune --encoder=runs/a/encoder.keras --dataset=tfds:cifar10 \\
        --mode=frozen,finetuned,scratch --labels_per_class=25 --output=finetune.json
    tfssl finetune --encoder=pixels --dataset=digits --mode=frozen --labels_per_class=5

Modes: frozen, a logistic regression on the features; finetuned, the encoder and that
classifier trained together; scratch, the same network from random weights, trained in
the same way. finetuned is always compared with scratch. Each number is the mean over
several draws of the labelled images, with its standard deviation.
"""

import common
import running
from absl import app, flags

FLAGS = flags.FLAGS
common.define_data_flags()
common.define_encoder_flags(
    " Or pixels, with --mode=frozen: the images themselves, to compare with."
)
common.define_feature_flags()
common.define_few_label_flags()
# For --help.
flags.adopt_module_key_flags(common)
MODES = ("frozen", "finetuned", "scratch")

flags.DEFINE_list("mode", ["finetuned"], f"Some of {', '.join(MODES)}.")
flags.DEFINE_integer("draws", 5, "Draws of the labelled images.", lower_bound=1)
flags.DEFINE_integer(
    "steps",
    None,
    "Updates of finetuned and scratch. Default: 400; with --save at least 10 passes "
    "over the labelled images.",
    lower_bound=1,
)
flags.DEFINE_integer("batch_size", 64, "Images an update.", lower_bound=2)
flags.DEFINE_float("learning_rate", 1e-3, "Peak of the cosine.", lower_bound=0)
flags.DEFINE_bool(
    "augment", True, "Train finetuned and scratch on random crops and flips."
)
flags.DEFINE_integer("seed", 0, "Seed of the first draw.", lower_bound=0)
flags.DEFINE_string("output", None, "JSON file for the results.")
flags.register_validator(
    "mode",
    lambda names: names and set(names) <= set(MODES),
    f"must name some of {', '.join(MODES)}",
)


flags.DEFINE_string(
    "save",
    None,
    "Instead of measuring modes over draws: train one classifier and save it here, as "
    ".keras, for tfssl predict. On all training labels, or on --labels_per_class or "
    "--label_fraction of them; --mode=finetuned or frozen.",
)


def main():
    asked = (FLAGS.labels_per_class, FLAGS.label_fraction)
    if asked.count(None) != 1 and not (FLAGS.save and asked == (None, None)):
        raise ValueError("Set one of --labels_per_class and --label_fraction.")
    if FLAGS.encoder == "pixels" and (FLAGS.save or FLAGS.mode != ["frozen"]):
        raise app.UsageError("Pixels cannot be trained: --mode=frozen, without --save.")
    if FLAGS.save:
        if FLAGS.layer or FLAGS.pool:
            raise app.UsageError("--save takes the encoder's features: no --layer.")
        return save()
    running.start("float32")
    from tfssl import transfer

    encoder, train, test = common.load_features()
    modes = list(FLAGS.mode)
    if "finetuned" in modes and "scratch" not in modes:
        modes.append("scratch")
    settings = common.measured_with()
    transfer.record_results(
        (
            few_labels(encoder, train, test, mode).with_settings(**settings)
            for mode in modes
        ),
        FLAGS.output,
        encoder=FLAGS.encoder,
        dataset=FLAGS.dataset,
    )
    common.refresh_report(FLAGS.output)


def save():
    """Trains a classifier, measures it if there are test images, and saves it."""
    if len(FLAGS.mode) != 1 or FLAGS.mode[0] == "scratch":
        raise ValueError(
            "--save takes one mode, finetuned or frozen. Received: "
            f"--mode={','.join(FLAGS.mode)}"
        )
    if not FLAGS.save.endswith(".keras"):
        raise ValueError(f"--save takes a name in .keras. Received: {FLAGS.save}")
    running.start("float32", seed=FLAGS.seed)
    import numpy as np

    from tfssl import transfer

    common.make_folder_of(FLAGS.save)
    encoder = common.load_encoder(FLAGS.encoder, FLAGS.head_layer)
    train = common.load_data("train", encoder.input_shape[1], "leave_out")
    train.require_labels()
    test, reason = common.load_test(encoder.input_shape[1])
    rows = np.arange(len(train))
    if FLAGS.labels_per_class or FLAGS.label_fraction:
        rows = transfer.few_label_indices(
            train.labels, FLAGS.labels_per_class, FLAGS.label_fraction, FLAGS.seed
        )
    print(f"Training on {len(rows):,} labelled images ({FLAGS.mode[0]}) ...")
    classifier = transfer.fine_tune(
        encoder,
        train.images[rows],
        train.labels[rows],
        train.class_names,
        mode=FLAGS.mode[0],
        steps=FLAGS.steps,
        batch_size=FLAGS.batch_size,
        learning_rate=FLAGS.learning_rate,
        augment="auto" if FLAGS.augment else None,
        seed=FLAGS.seed,
    )
    common.save_classifier(classifier, FLAGS.save, test, reason)


def few_labels(encoder, train, test, mode):
    """The result of a mode."""
    from tfssl import transfer

    return transfer.few_label_accuracy(
        encoder,
        train,
        test,
        mode,
        labels_per_class=FLAGS.labels_per_class,
        label_fraction=FLAGS.label_fraction,
        draws=FLAGS.draws,
        steps=FLAGS.steps or 400,
        batch_size=FLAGS.batch_size,
        learning_rate=FLAGS.learning_rate,
        augment="auto" if FLAGS.augment else None,
        seed=FLAGS.seed,
        verbose=1,
    )


if __name__ == "__main__":
    running.run(main)

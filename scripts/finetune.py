"""Measure what an encoder is worth with few labels.

    tfssl finetune --encoder=runs/a/encoder.keras --dataset=tfds:cifar10 \\
        --mode=frozen,finetuned,scratch --labels_per_class=25 --output=finetune.json

Modes: frozen, a logistic regression on the features; finetuned, the encoder and that
classifier trained together; scratch, the same network from random weights, trained in
the same way. finetuned is always compared with scratch. Each number is the mean over
several draws of the labelled images, with its standard deviation.
"""

import common
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags()
common.define_encoder_flags()
# For --help.
flags.adopt_module_key_flags(common)
MODES = ("frozen", "finetuned", "scratch")

flags.DEFINE_list("mode", ["finetuned"], f"Some of {', '.join(MODES)}.")
flags.DEFINE_integer("labels_per_class", None, "Labelled images of each class.")
flags.DEFINE_float("label_fraction", None, "Or: the fraction of labelled images.")
flags.DEFINE_integer("draws", 5, "Draws of the labelled images.", lower_bound=1)
flags.DEFINE_integer("steps", 400, "Updates of finetuned and scratch.", lower_bound=1)
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


def main():
    common.start("float32")
    from tfssl import transfer

    if (FLAGS.labels_per_class is None) == (FLAGS.label_fraction is None):
        raise ValueError("Set one of --labels_per_class and --label_fraction.")
    encoder = common.load_encoder(FLAGS.encoder, FLAGS.head_layer)
    train, test = common.load_labelled(encoder.input_shape[1])
    modes = list(FLAGS.mode)
    if "finetuned" in modes and "scratch" not in modes:
        modes.append("scratch")
    transfer.record_results(
        (few_labels(encoder, train, test, mode) for mode in modes),
        FLAGS.output,
        encoder=FLAGS.encoder,
        dataset=FLAGS.dataset,
    )
    common.refresh_report(FLAGS.output)


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
        steps=FLAGS.steps,
        batch_size=FLAGS.batch_size,
        learning_rate=FLAGS.learning_rate,
        augment="auto" if FLAGS.augment else None,
        seed=FLAGS.seed,
        verbose=1,
    )


if __name__ == "__main__":
    common.run(main)

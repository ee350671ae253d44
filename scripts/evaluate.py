"""Measure what a frozen encoder is worth, with all labels.

    python scripts/evaluate.py --encoder=runs/a/encoder.keras --dataset=tfds:cifar10
    python scripts/evaluate.py --encoder=zoo:NAME --dataset=digits --protocol=knn

Protocols: knn, a weighted vote of the k nearest training images by the cosine of their
features; linear, a logistic regression on the features, whose L2 penalty is chosen on a
tenth of the training images held out.
"""

import sys

import common
from absl import app, flags

FLAGS = flags.FLAGS
common.define_data_flags()
common.define_encoder_flags()

flags.DEFINE_string(
    "layer",
    None,
    "Layer of the encoder to measure, flattened, for example conv of dim_cnn. Default: "
    "its features.",
)
flags.DEFINE_list("protocol", ["knn", "linear"], "Some of knn and linear.")
flags.DEFINE_integer("k", 200, "Neighbours of knn.", lower_bound=1)
flags.DEFINE_float("temperature", 0.1, "Temperature of knn's vote.", lower_bound=1e-4)
flags.DEFINE_integer("seed", 0, "Seed of the held-out part of linear.", lower_bound=0)
flags.DEFINE_string("output", None, "JSON file for the results.")
flags.register_validator(
    "protocol",
    lambda names: names and set(names) <= {"knn", "linear"},
    "must name some of knn and linear",
)


def main():
    from tfssl import encoders, transfer

    if FLAGS.layer and FLAGS.head_layer:
        raise app.UsageError("Set one of --layer and --head_layer.")
    encoder = common.load_encoder(FLAGS.encoder, FLAGS.head_layer)
    if FLAGS.layer:
        encoder = encoders.cut(encoder, FLAGS.layer)
    train, test = common.load_train_and_test(encoder)
    if "knn" in FLAGS.protocol and FLAGS.k > len(train.images):
        raise ValueError(
            f"--k={FLAGS.k} is more than the {len(train.images)} training images."
        )
    visible = int(sys.stdout.isatty())
    bank = transfer.features(encoder, train.images, verbose=visible)
    queries = transfer.features(encoder, test.images, verbose=visible)
    settings = {
        "train_images": len(bank),
        "test_images": len(queries),
        "feature_dim": bank.shape[1],
        "image_size": train.images.shape[1],
        "encoder": "frozen, inference mode, no augmentation",
    }
    results = []
    for protocol in FLAGS.protocol:
        if protocol == "knn":
            value = transfer.knn_accuracy(
                bank, train.labels, queries, test.labels, FLAGS.k, FLAGS.temperature
            )
            extra = {"k": FLAGS.k, "temperature": FLAGS.temperature}
        else:
            print("Fitting the linear probe ...")
            probe = transfer.linear_probe(
                bank, train.labels, queries, test.labels, seed=FLAGS.seed
            )
            value = probe.accuracy
            extra = {
                "l2": probe.l2,
                "validation_accuracy": {str(k): v for k, v in probe.validation.items()},
                "seed": FLAGS.seed,
            }
        results.append(
            {
                "protocol": protocol,
                "metric": "accuracy",
                "value": value,
                "std": None,
                "settings": {**settings, **extra},
            }
        )
    common.write_results(FLAGS.output, FLAGS.encoder, FLAGS.dataset, results)


if __name__ == "__main__":
    common.run(main)

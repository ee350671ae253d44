"""Measure what a frozen encoder is worth.

    tfssl evaluate --encoder=runs/a/encoder.keras --dataset=tfds:cifar10
    tfssl evaluate --encoder=zoo:NAME --dataset=digits --protocol=knn
    tfssl evaluate --encoder=pixels --dataset=digits \\
        --protocol=few_knn,few_linear --labels_per_class=1,4,25

Protocols: knn, a weighted vote of the k nearest training images by the cosine of their
features; linear, a logistic regression on the features, whose L2 penalty is chosen on a
tenth of the training images held out; few_knn and few_linear, the same two with few
labels of each class, the mean over several draws of them; hidden, a classifier with one
hidden layer.
"""

import sys

import common
import running
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags()
common.define_encoder_flags(" Or pixels: the images themselves, to compare with.")
common.define_feature_flags()
# For --help.
flags.adopt_module_key_flags(common)

FEW = ("few_knn", "few_linear")
PROTOCOLS = ("knn", "linear", *FEW, "hidden")
flags.DEFINE_list("protocol", ["knn", "linear"], f"Some of {', '.join(PROTOCOLS)}.")
flags.DEFINE_integer(
    "k",
    None,
    "Neighbours of knn. Default: 200, or all training images if there are fewer.",
    lower_bound=1,
)
flags.DEFINE_float("temperature", 0.1, "Temperature of knn's vote.", lower_bound=1e-4)
flags.DEFINE_list(
    "labels_per_class",
    ["5"],
    "Labels of few_knn and few_linear, and neighbours of few_knn; several numbers are "
    "measured one after the other.",
)
flags.register_validator(
    "labels_per_class",
    lambda counts: counts and common.are_counts(counts),
    "must be numbers above 0, such as 1,4,25",
)
flags.DEFINE_integer("draws", 10, "Draws of few labels.", lower_bound=1)
flags.DEFINE_integer(
    "seed", 0, "Of the draws, linear's held-out part, hidden.", lower_bound=0
)
flags.DEFINE_string(
    "feature_cache",
    None,
    "Folder that keeps the features, so that the next measurement of this encoder on "
    "these images need not compute them.",
)
flags.DEFINE_string("output", None, "JSON file for the results.")
flags.register_validator(
    "protocol",
    lambda names: names and set(names) <= set(PROTOCOLS),
    f"must name some of {', '.join(PROTOCOLS)}",
)


# What a flag is for: it would have no effect without one of these protocols.
NEEDS = {
    "k": ("knn",),
    "temperature": ("knn", "few_knn"),
    "labels_per_class": FEW,
    "draws": FEW,
}


def main():
    for name, protocols in NEEDS.items():
        if FLAGS[name].present and not set(protocols) & set(FLAGS.protocol):
            raise flags.Error(
                f"--{name} is for --protocol={' or '.join(protocols)}. Received: "
                f"--protocol={','.join(FLAGS.protocol)}"
            )
    running.start("float32")
    from tfssl import transfer

    encoder, train, test = common.load_features()
    if "knn" in FLAGS.protocol and (FLAGS.k or 1) > len(train.images):
        raise ValueError(
            f"--k={FLAGS.k} is more than the {len(train.images)} training images."
        )
    verbose = int(sys.stdout.isatty())
    bank, queries = (
        transfer.kept_features(encoder, part.images, FLAGS.feature_cache, verbose)
        for part in (train, test)
    )
    data = bank, train.labels, queries, test.labels
    settings = {
        "train_images": len(bank),
        "test_images": len(queries),
        "feature_dim": bank.shape[1],
        "image_size": train.images.shape[1],
        "encoder": "frozen, inference mode, no augmentation",
    }
    settings.update(common.measured_with())
    transfer.record_results(
        (
            measure(protocol, data, count).with_settings(**settings)
            for protocol in FLAGS.protocol
            for count in (FLAGS.labels_per_class if protocol in FEW else [0])
        ),
        FLAGS.output,
        encoder=FLAGS.encoder,
        dataset=FLAGS.dataset,
    )
    common.refresh_report(FLAGS.output)


def measure(protocol, data, labels_per_class):
    """The result of a protocol; the number of labels counts for those with few."""
    from tfssl import transfer

    if protocol == "knn":
        k = FLAGS.k or min(200, len(data[0]))
        return transfer.knn(*data, k=k, temperature=FLAGS.temperature)
    if protocol in FEW:
        few = {
            "labels_per_class": int(labels_per_class),
            "draws": FLAGS.draws,
            "seed": FLAGS.seed,
        }
        if protocol == "few_knn":
            return transfer.few_label_knn(*data, temperature=FLAGS.temperature, **few)
        return transfer.few_label_linear(*data, **few)
    print(f"Fitting the {protocol} probe ...")
    probe = {"linear": transfer.linear_probe, "hidden": transfer.hidden_probe}[protocol]
    verbose = {"verbose": 1} if protocol == "linear" else {}
    return probe(*data, seed=FLAGS.seed, **verbose)


if __name__ == "__main__":
    running.run(main)

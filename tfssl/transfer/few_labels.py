"""Accuracy with few labels: frozen, fine-tuned, and from scratch."""

import dataclasses

import numpy as np

from tfssl.transfer.features import features, predict
from tfssl.transfer.finite import check_finite
from tfssl.transfer.labels import check_labels
from tfssl.transfer.logistic import cross_validated_logistic
from tfssl.transfer.result import Result
from tfssl.transfer.subsets import few_label_draws
from tfssl.transfer.trainer import TRAINED, FewLabelTrainer

MODES = ("frozen", *TRAINED)


def few_label_linear(
    train_features,
    train_labels,
    test_features,
    test_labels,
    labels_per_class=None,
    label_fraction=None,
    draws=5,
    seed=0,
    verbose=0,
):
    """The protocol "few_linear": logistic regression on few labels.

    Its penalty is chosen by cross-validation on the labelled images.

    Args:
        train_features: float array `[n, dim]`.
        train_labels: integer array `[n]`.
        test_features: float array `[m, dim]`.
        test_labels: integer array `[m]`.
        labels_per_class: int, or
        label_fraction: float; see `few_label_indices`.
        draws: int, labelled subsets; draw i has the seed `seed + i`. Defaults to 5.
        seed: int. Defaults to 0.
        verbose: 0 or 1, whether to print a line for each draw.

    Returns:
        `Result` over the draws.

    Raises:
        ValueError: as `few_label_indices`.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import few_label_linear
        >>> x, y = np.eye(4)[np.arange(40) % 4], np.arange(40) % 4
        >>> print(few_label_linear(x, y, x, y, labels_per_class=2))
        few_linear, 2 labels per class  1.0000 +- 0.0000
    """
    train_labels = check_labels(train_labels, len(train_features), "train_labels")
    test_labels = check_labels(test_labels, len(test_features), "test_labels")
    check_finite(test_features, "test_features")
    subsets = few_label_draws(
        train_labels, labels_per_class, label_fraction, draws, seed
    )

    def accuracy(draw):
        rows = subsets[draw]
        model = cross_validated_logistic(train_features[rows], train_labels[rows])
        return np.mean(model.predict(test_features) == test_labels)

    settings = {
        **_settings(subsets, labels_per_class, label_fraction, seed, test_labels),
        "classifier": "logistic regression, L2 by cross-validation",
    }
    return _over_draws("few_linear", accuracy, settings, verbose)


def few_label_accuracy(
    encoder,
    train,
    test,
    mode="finetuned",
    *,
    labels_per_class=None,
    label_fraction=None,
    draws=5,
    steps=400,
    batch_size=64,
    learning_rate=1e-3,
    augment="auto",
    seed=0,
    verbose=0,
):
    """Test accuracy with few labels, over several draws of them.

    The modes differ in where the encoder comes from and in what is trained:

        frozen      pretrained features, and a logistic regression on them; its penalty
                    is chosen by cross-validation on the labelled images
        finetuned   the pretrained encoder and that classifier, trained together
        scratch     the same network with random weights, trained in the same way

    The schedule is fixed beforehand and the test images are used once, at its end.

    Args:
        encoder: `keras.Model` from images to features.
        train: `tfssl.data.ImageData` with labels, to draw from. Images of another size
            than the encoder's are brought to it.
        test: `tfssl.data.ImageData` with labels.
        mode: "frozen", "finetuned" or "scratch".
        labels_per_class: int, or
        label_fraction: float; see `few_label_indices`.
        draws: int, labelled subsets; draw i has the seed `seed + i`. Defaults to 5.
        steps, batch_size, learning_rate, augment: of "finetuned" and "scratch", see
            `FewLabelTrainer`.
        seed: int. Defaults to 0.
        verbose: 0 or 1, whether to print a line for each draw.

    Returns:
        `Result` over the draws, whose protocol is the mode.

    Raises:
        ValueError: for an unknown mode, data without labels, more labels than there
            are, or numbers that are out of range.

    Example:
        >>> import tfssl
        >>> train = tfssl.data.load("digits", "train")
        >>> test = tfssl.data.load("digits", "test")
        >>> encoder = tfssl.encoders.dim_cnn(16, width=8, dim=32)
        >>> result = tfssl.transfer.few_label_accuracy(
        ...     encoder, train, test, "frozen", labels_per_class=2, draws=3
        ... )
        >>> result.protocol, len(result.draws), result.settings["labelled_images"]
        ('frozen', 3, 20)

    Source: Chen et al. 2020, arXiv 2002.05709, sections 5 and B.5: the same network
    fine-tuned and from scratch.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}. Received: mode={mode!r}")
    for name, data in (("train", train), ("test", test)):
        data.require_labels()
        check_labels(data.labels, len(data), f"{name} labels")
    subsets = few_label_draws(
        train.labels, labels_per_class, label_fraction, draws, seed
    )
    if mode == "frozen":
        bank, queries = (features(encoder, data.images) for data in (train, test))
        result = few_label_linear(
            bank,
            train.labels,
            queries,
            test.labels,
            labels_per_class,
            label_fraction,
            draws,
            seed,
            verbose,
        )
        return dataclasses.replace(result, protocol=mode)
    num_classes = int(train.labels.max()) + 1
    trainer = FewLabelTrainer(
        encoder, num_classes, steps, batch_size, learning_rate, augment
    )

    def accuracy(draw):
        rows = subsets[draw]
        images, labels = train.images[rows], train.labels[rows]
        model = trainer.fit(images, labels, mode, seed=seed + draw)
        return np.mean(predict(model, test.images).argmax(axis=1) == test.labels)

    settings = {
        **_settings(subsets, labels_per_class, label_fraction, seed, test.labels),
        "optimizer": "AdamW, warm-up and cosine",
        "steps": steps,
        "batch_size": min(batch_size, len(subsets[0])),
        "learning_rate": learning_rate,
        "augmentation": repr(trainer.augment),
    }
    return _over_draws(mode, accuracy, settings, verbose)


def _settings(subsets, labels_per_class, label_fraction, seed, test_labels):
    return {
        "labelled_images": len(subsets[0]),
        "labels_per_class": labels_per_class,
        "label_fraction": label_fraction,
        "draws": len(subsets),
        "seed": seed,
        "test_images": len(test_labels),
    }


def _over_draws(protocol, accuracy, settings, verbose):
    """The result of a function of the draw, which is said as each draw is done."""
    accuracies, draws = [], settings["draws"]
    for draw in range(draws):
        accuracies.append(float(accuracy(draw)))
        if verbose:
            print(f"  {protocol}, draw {draw + 1} of {draws}: {accuracies[-1]:.4f}")
    return Result.over_draws(protocol, accuracies, settings)

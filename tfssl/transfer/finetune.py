"""Few labels: frozen encoder, fine-tuned encoder, and the same network from scratch."""

import keras
import numpy as np

from tfssl.checks import check_count, check_positive
from tfssl.optimizers import WarmupCosine
from tfssl.transfer.classifier import classifier, reinitialized
from tfssl.transfer.features import features
from tfssl.transfer.few_labels import few_label_indices
from tfssl.transfer.linear import fit_logistic
from tfssl.views import RandomFlip, RandomResizedCrop, Views

MODES = ("frozen", "full", "scratch")
# Penalties for the classifier on frozen features, chosen by cross-validation.
_FROZEN_L2 = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def finetune(
    encoder,
    train,
    test,
    mode="full",
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

    The modes differ in where the encoder comes from and what is trained:

        frozen    pretrained features, a logistic regression on them; its penalty is
                  chosen by cross-validation on the labelled images
        full      the pretrained encoder and that classifier, trained together
        scratch   the same network with random weights, trained in the same way

    The schedule is fixed beforehand and the test images are used once, at its end.

    Args:
        encoder: `keras.Model` from images to features.
        train: `tfssl.data.ImageData` with labels, to draw from.
        test: `tfssl.data.ImageData` with labels.
        mode: "frozen", "full" or "scratch".
        labels_per_class: int, or
        label_fraction: float; see `few_label_indices`.
        draws: int, labelled subsets; draw i has the seed `seed + i`. Defaults to 5.
        steps: int, updates of "full" and "scratch". Defaults to 400.
        batch_size: int, at most the number of labelled images. Defaults to 64.
        learning_rate: float, peak of the warm-up and cosine of AdamW. Defaults to 1e-3.
        augment: `tfssl.views.Views` of one view for the training images, None for
            none, or "auto": crops of at least half the image, and flips.
        seed: int.
        verbose: 0 or 1, whether to print a line for each draw.

    Returns:
        Dict with `protocol`, `metric`, `value` (mean over the draws), `std`, `draws`
        (each accuracy) and `settings`.

    Raises:
        ValueError: for an unknown mode, data without labels, or numbers below 1 of
            draws, steps or images.

    Source: the two modes of Chen et al. 2020, arXiv 2002.05709, sections 5 and B.5.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}. Received: {mode!r}")
    check_count(draws=draws)
    _check_training(steps, batch_size, learning_rate)
    for data in (train, test):
        data.require_labels()
    if augment == "auto":
        augment = default_augmentation(train.images.shape[1])
    classes = int(train.labels.max()) + 1
    if mode == "frozen":
        pretrained = features(encoder, train.images), features(encoder, test.images)
    else:
        trainer = FewLabelTrainer(encoder, classes, steps, batch_size, learning_rate)

    accuracies = []
    for draw in range(draws):
        rows = few_label_indices(
            train.labels, labels_per_class, label_fraction, seed + draw
        )
        labels = train.labels[rows]
        if mode == "frozen":
            head = _frozen_head(pretrained[0][rows], labels)
            predicted = head.predict(pretrained[1])
        else:
            model = trainer.fit(
                train.images[rows], labels, mode, augment, seed=seed + draw
            )
            logits = model.predict(test.images, batch_size=500, verbose=0)
            predicted = logits.argmax(axis=1)
        accuracies.append(float(np.mean(predicted == test.labels)))
        if verbose:
            print(f"  {mode}, draw {draw + 1} of {draws}: {accuracies[-1]:.4f}")
    settings = {
        "labelled_images": len(rows),
        "labels_per_class": labels_per_class,
        "label_fraction": label_fraction,
        "draws": draws,
        "seed": seed,
        "test_images": len(test.labels),
    }
    if mode == "frozen":
        settings["classifier"] = "logistic regression, L2 by cross-validation"
    else:
        settings.update(
            optimizer="AdamW, warm-up and cosine",
            steps=steps,
            batch_size=min(batch_size, len(rows)),
            learning_rate=learning_rate,
            augmentation="none" if augment is None else repr(augment.pipelines[0]),
        )
    return {
        "protocol": mode,
        "metric": "accuracy",
        "value": float(np.mean(accuracies)),
        "std": float(np.std(accuracies, ddof=1)) if draws > 1 else None,
        "draws": accuracies,
        "settings": settings,
    }


def default_augmentation(image_size):
    """Crops of at least half the image, and flips.

    Args:
        image_size: int, height and width of the views.

    Returns:
        `tfssl.views.Views` of one view.

    Example:
        >>> import tfssl
        >>> tfssl.transfer.default_augmentation(32).num_views
        1
    """
    return Views([[RandomResizedCrop(image_size, scale=(0.5, 1.0)), RandomFlip()]])


def _check_training(steps, batch_size, learning_rate):
    check_count(steps=steps, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)


class FewLabelTrainer:
    """Trains classifiers of one architecture on few labels, one after the other.

    The network is compiled once; each training sets all of its weights.

    Args:
        encoder: `keras.Model` from images to features.
        classes: int.
        steps, batch_size, learning_rate: as in `finetune`.

    Raises:
        ValueError: for fewer than 1 step or image, or no learning rate.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> trainer = tfssl.transfer.FewLabelTrainer(encoder, classes=2, steps=2)
        >>> images = np.zeros((8, 16, 16, 3), "uint8")
        >>> model = trainer.fit(images, np.arange(8) % 2, mode="scratch")
        >>> model.output_shape
        (None, 2)
    """

    def __init__(self, encoder, classes, steps=400, batch_size=64, learning_rate=1e-3):
        _check_training(steps, batch_size, learning_rate)
        self.encoder, self.classes = encoder, classes
        self.steps, self.batch_size = steps, batch_size
        self.model = classifier(encoder, classes)
        self.model.compile(
            keras.optimizers.AdamW(
                WarmupCosine(learning_rate, steps, warmup_steps=steps // 10),
                weight_decay=1e-2,
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def fit(self, images, labels, mode="full", augment=None, seed=0):
        """Trains from the encoder ("full") or from random weights ("scratch").

        Args:
            images: array `[n, height, width, 3]`.
            labels: integer array `[n]`.
            mode: "full" or "scratch".
            augment: `tfssl.views.Views` of one view, or None.
            seed: int, of random weights, order and views.

        Returns:
            The classifier, from images to logits. The next call trains it anew.
        """
        model = self.model
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
        if mode == "full":
            head = _frozen_head(features(self.encoder, images), labels)
            start = [*self.encoder.get_weights(), *_dense(head, self.classes)]
        else:
            keras.utils.set_random_seed(seed)
            start = classifier(reinitialized(self.encoder), self.classes).get_weights()
        model.set_weights(start)

        batch_size = min(self.batch_size, len(images))
        random = np.random.default_rng(seed)
        passes = -(-self.steps * batch_size // len(images))
        order = np.concatenate([random.permutation(len(images)) for _ in range(passes)])
        for step in range(self.steps):
            rows = order[step * batch_size : (step + 1) * batch_size]
            batch = images[rows]
            if augment is not None:
                (batch,) = augment(batch, np.array([seed, step], "int32"))
            model.train_on_batch(batch, labels[rows])
        return model


def _frozen_head(features, labels):
    """Logistic regression on scaled features, folded back to plain features.

    One scale for all dimensions: with few images, scaling each by its own deviation
    blows up those that hardly vary.
    """
    from sklearn.model_selection import StratifiedKFold

    mean = features.mean(axis=0)
    scale = max(float((features - mean).std()), 1e-12)
    features = (features - mean) / scale
    folds = min(5, np.bincount(labels)[np.unique(labels)].min())
    chosen = 1e-2
    if folds > 1:
        splits = list(StratifiedKFold(folds).split(features, labels))
        chosen = max(
            _FROZEN_L2,
            key=lambda l2: np.mean(
                [
                    fit_logistic(features[a], labels[a], l2).score(
                        features[b], labels[b]
                    )
                    for a, b in splits
                ]
            ),
        )
    model = fit_logistic(features, labels, chosen)
    model.coef_ = model.coef_ / scale
    model.intercept_ = model.intercept_ - model.coef_ @ mean
    return model


def _dense(head, classes):
    """Kernel and bias of a last layer that computes the same as the head."""
    kernel = np.zeros((head.coef_.shape[1], classes), "float32")
    # A class without a labelled image is never predicted.
    bias = np.full(classes, head.intercept_.min() - 10.0, "float32")
    if len(head.classes_) == 2:
        # scikit-learn keeps one row for two classes.
        weights = np.concatenate([-head.coef_, head.coef_]) / 2
        biases = np.concatenate([-head.intercept_, head.intercept_]) / 2
    else:
        weights, biases = head.coef_, head.intercept_
    kernel[:, head.classes_] = weights.T
    bias[head.classes_] = biases
    return kernel, bias

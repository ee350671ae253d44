"""Classifiers trained on few labels."""

import keras
import numpy as np

from tfssl.checks import check_count, check_positive
from tfssl.optimizers import WarmupCosine
from tfssl.training import fit_images, input_size
from tfssl.transfer.classifier import classifier, reinitialized
from tfssl.transfer.features import features
from tfssl.transfer.logistic import cross_validated_logistic, dense_weights
from tfssl.views import CropViews

# Modes of `few_label_accuracy` that train the encoder.
TRAINED = ("finetuned", "scratch")


class FewLabelTrainer:
    """Trains classifiers of one architecture on few labels, one after the other.

    The network is compiled once; each training sets all of its weights.

    Args:
        encoder: `keras.Model` from images to features.
        num_classes: int.
        steps: int, updates. Defaults to 400.
        batch_size: int, and all labelled images if there are fewer. Defaults to 64.
        learning_rate: float, peak of the warm-up and cosine of AdamW. Defaults to 1e-3.
        augment: `tfssl.views.Views` of one view for the training images, None for
            none, or "auto": flips, and crops of at least half the image, at the
            encoder's image size.

    Raises:
        ValueError: for fewer than 1 step or image, a learning rate that is not above
            0, views of another number than one, or "auto" for an encoder of images of
            any size.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> trainer = tfssl.transfer.FewLabelTrainer(encoder, num_classes=2, steps=2)
        >>> images = np.zeros((8, 16, 16, 3), "uint8")
        >>> model = trainer.fit(images, np.arange(8) % 2, mode="scratch")
        >>> model.output_shape
        (None, 2)
    """

    def __init__(
        self,
        encoder,
        num_classes,
        steps=400,
        batch_size=64,
        learning_rate=1e-3,
        augment="auto",
    ):
        check_count(steps=steps, batch_size=batch_size)
        check_positive(learning_rate=learning_rate)
        self.encoder, self.num_classes = encoder, num_classes
        self.steps, self.batch_size = steps, batch_size
        self.image_size = input_size(encoder)
        self.augment = _augmentation(augment, self.image_size)
        self.model = classifier(encoder, num_classes)
        self.model.compile(
            keras.optimizers.AdamW(
                WarmupCosine(learning_rate, steps, warmup_steps=steps // 10),
                weight_decay=1e-2,
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def fit(self, images, labels, mode="finetuned", seed=0):
        """Trains from the encoder ("finetuned") or from random weights ("scratch").

        Args:
            images: array `[n, height, width, 3]`. Images of another size than the
                encoder's are brought to it.
            labels: integer array `[n]`.
            mode: "finetuned" or "scratch".
            seed: int, of random weights, order and views.

        Returns:
            The classifier, from images to logits. The next call trains it anew.

        Raises:
            ValueError: for another mode.
        """
        if mode not in TRAINED:
            raise ValueError(f"mode must be one of {TRAINED}. Received: mode={mode!r}")
        model = self.model
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
        model.set_weights(self._start(images, labels, mode, seed))

        batch_size = min(self.batch_size, len(images))
        random = np.random.default_rng(seed)
        passes = -(-self.steps * batch_size // len(images))
        order = np.concatenate([random.permutation(len(images)) for _ in range(passes)])
        for step in range(self.steps):
            rows = order[step * batch_size : (step + 1) * batch_size]
            batch = images[rows]
            if self.augment is not None:
                (batch,) = self.augment(batch, np.array([seed, step], "int32"))
            batch = fit_images(batch, self.image_size)
            model.train_on_batch(batch, labels[rows])
        return model

    def _start(self, images, labels, mode, seed):
        """The weights that a training starts from."""
        if mode == "scratch":
            keras.utils.set_random_seed(seed)
            network = reinitialized(self.encoder)
            return classifier(network, self.num_classes).get_weights()
        head = cross_validated_logistic(features(self.encoder, images), labels)
        return [*self.encoder.get_weights(), *dense_weights(head, self.num_classes)]


def _augmentation(augment, image_size):
    """The views that an argument `augment` stands for, or None."""
    if augment == "auto":
        if None in image_size:
            raise ValueError(
                "Crops for images of an unknown size cannot be chosen. Give "
                "augment=tfssl.views.CropViews(image_size=...), None, or an encoder "
                f"with a known input size. Received: an encoder for {image_size}"
            )
        return CropViews(image_size, crop_scale=(0.5, 1.0))
    if augment is not None and augment.num_views != 1:
        raise ValueError(
            f"augment must make one view of each image. Received: {augment}, which "
            f"makes {augment.num_views}"
        )
    return augment

"""Joint: a method's loss on all images, cross-entropy on the few with a label."""

import dataclasses

import keras
from keras import ops

from tfssl import losses, methods
from tfssl.checks import (
    check_count,
    check_fraction,
    check_not_negative,
    check_positive,
)
from tfssl.methods import simclr
from tfssl.methods.adversarial import AdversarialMethod
from tfssl.methods.method import Method
from tfssl.methods.types import Number, ViewsLike
from tfssl.training import LabelledBatches
from tfssl.training.images import unpack
from tfssl.training.labelled_batches import some_labels


@keras.saving.register_keras_serializable("tfssl")
class Joint(Method):
    """Pretraining and fine-tuning in one: few of the images have a label.

        loss = method's loss(views) + label_weight * cross_entropy(head(h), labels)
        h = encoder(view)    [batch, dim], a view of each labelled image
        head                 one linear layer, [batch, num_classes]

    Beside each batch of all images stand some of the few that have a label, a fraction
    of the batch, which come round again and again:

        model.fit(images, labels)      labels[i] = -1 for images without

    A data set has them apart: its elements are `{"images": ..., "labelled": images,
    "labels": integers}`; beside ready-made `"views"` the labelled are views too. The
    encoder that learns from the labels is the one that the optimizer moves; of a method
    with a teacher, the published one follows it.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views`. Defaults to the method's own.
        method: string, one of `tfssl.methods.METHODS`: whose loss all images have. It
            must be one without an adversary. Defaults to "simclr".
        arguments: dict, what the method gets besides encoder and views. Defaults to
            None, its own defaults.
        num_classes: int, at least 2. Defaults to 10.
        label_weight: float, or a schedule. Defaults to 1.0.
        labelled_fraction: float within (0, 1], labelled images beside each batch, as a
            fraction of it. Defaults to 0.25.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for an unknown method or one with an adversary, fewer than two
            classes, a weight or fraction out of range, or what the method refuses.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet18(image_size=16, stem="small", width=4)
        >>> views = tfssl.views.SimCLRViews(image_size=16, strength=0.5, blur=False)
        >>> model = tfssl.methods.Joint(encoder, views, num_classes=2)
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> labels = np.array([0, 1] + 14 * [-1])
        >>> history = model.fit(images, labels, batch_size=8, epochs=1, verbose=0)
        >>> model.classify(images).shape[1]
        2

    Source: Zhai et al. 2019, arXiv 1905.03670, section 3 (S4L), with any method's loss
    in place of a pretext task's.
    """

    # Of the recipes. By itself it takes those of the method that it stands for.
    views_class = simclr.SimCLR.views_class
    needs_labels = True
    log_names = ("method_loss", "label_loss", "label_accuracy")

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        method: str = "simclr",
        arguments: dict | None = None,
        num_classes: int = 10,
        label_weight: Number = 1.0,
        labelled_fraction: float = 0.25,
        seed: int = 0,
        name: str | None = "joint",
    ):
        if method == "joint":
            raise ValueError("Joint takes the loss of another method than itself.")
        check_count(2, num_classes=num_classes)
        check_not_negative(label_weight=label_weight)
        check_positive(labelled_fraction=labelled_fraction)
        check_fraction(labelled_fraction=labelled_fraction)
        part = methods.method_class(method)(
            encoder, views, seed=seed, **(arguments or {})
        )
        if isinstance(part, AdversarialMethod) and part.adversary is not None:
            raise ValueError(
                f"{method} has an adversary with an optimizer of its own, which Joint "
                f"does not train. Set {part.adversary_weight}=0, as in arguments="
                f"{{'{part.adversary_weight}': 0}}. Received: method={method!r}"
            )
        super().__init__(part.encoder, part.views, seed=seed, name=name)
        self.method = method
        self.arguments = arguments
        self.num_classes = num_classes
        self.label_weight = label_weight
        self.labelled_fraction = labelled_fraction
        self.part = part
        # Like each method that it may stand for.
        self.num_views = part.num_views
        self.needs_index = part.needs_index
        self.can_collapse = part.can_collapse
        # What is drawn in the part is drawn by the step of the whole.
        part.key = self.key
        self.head = keras.layers.Dense(num_classes, dtype="float32", name="head")
        self.head.build((None, self.feature_dim))

    def batches(self, images, labels, batch_size, **kwargs):
        labels = some_labels(labels, len(images), self.num_classes)
        unit = self.batch_multiple * (self.accumulate or 1)
        count = max(round(self.labelled_fraction * batch_size / unit), 1) * unit
        return LabelledBatches(
            images, labels, labelled=count, batch_size=batch_size, **kwargs
        )

    def batch_of(self, data):
        data = unpack(data)
        missing = {"labelled", "labels"} - set(data)
        if missing:
            raise ValueError(
                f"{self.name} learns from labels too: model.fit(images, labels), -1 "
                'for images without, or a data set of {"images": images, "labelled": '
                'images, "labels": integers}. Received: no '
                f"{' and no '.join(sorted(missing))}"
            )
        labelled = data["labelled"]
        if "views" in data:
            batch = super().batch_of(data)
            return batch._replace(views=(*batch.views, ops.cast(labelled, "float32")))
        # Views of all in one go, where those with labels come after all others.
        images = data["images"]
        count, more = (ops.shape(each)[0] for each in (images, labelled))
        together = ops.concatenate([images, labelled])
        made = self.views_of(together, self.places(count, more))
        batch = super().batch_of({**data, "views": [view[:count] for view in made]})
        return batch._replace(views=(*batch.views, made[0][count:]))

    def views_loss(self, batch):
        *views, labelled = batch.views
        self.part.keep_step_of(self)
        method_loss, _ = self.part.views_loss(batch._replace(views=tuple(views)))
        logits = self.head(self.part.features(labelled, training=True))
        labels = ops.cast(batch.labels, "int32")
        label_loss = losses.cross_entropy(logits, labels)
        return method_loss + self.now(self.label_weight) * label_loss, {
            "method_loss": method_loss,
            "label_loss": label_loss,
            "label_accuracy": losses.accuracy(logits, labels),
        }

    def classify(self, images):
        """Logits `[batch, num_classes]` of images, by the encoder that learned."""
        return self.head(self.part.features(images))

    # What else a method says of itself

    def after_update(self):
        self.part.after_update()

    def held_variables(self):
        # It may be asked before the loss of the step is computed.
        self.part.keep_step_of(self)
        return self.part.held_variables()

    def schedules(self):
        return [*super().schedules(), *self.part.schedules()]

    def figures(self, images):
        return self.part.figures(images)

    @property
    def published_encoder(self):
        return self.part.published_encoder


# Those of SimCLR, with what the method has by itself: another may take its place.
RECIPES = {
    "joint": {
        preset: dataclasses.replace(recipe, arguments={}, measured="")
        for preset, recipe in simclr.RECIPES["simclr"].items()
    }
}

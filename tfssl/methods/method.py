"""The base class of all methods."""

import inspect
import math
from typing import NamedTuple

import keras
from keras import ops

from tfssl import layers
from tfssl.encoders import as_encoder
from tfssl.methods.types import ViewsLike
from tfssl.training import Trainer, fit_images, input_size
from tfssl.training.images import check_index, unpack
from tfssl.views.views import as_views, check_made


class Batch(NamedTuple):
    """What the loss of a method is computed from.

    Args:
        views: tuple of float32 tensors `[batch, height, width, 3]`, pixel values in
            [0, 255]; row i of each is a view of image i.
        index: int32 tensor `[batch]`, position of each image in the data set; None
            unless the method `needs_index`.
        labels: integer tensor `[batch]`, or None where the data have none.
    """

    views: tuple
    index: object = None
    labels: object = None


class Method(Trainer):
    """A self-supervised method: an encoder, views of its images, and a loss on them.

    A method implements `views_loss`; those with a teacher that moves after the
    optimizer also `after_update`. The step, replicas, precision, logs and saving are
    done here and in `tfssl.training`.

    `fit` takes plain images: an array `[n, height, width, 3]`, a `tf.data.Dataset` of
    image batches or of `(images, labels)`, or a `keras.utils.PyDataset` of either.
    Pixel values are in [0, 255], uint8 or float. Ready-made views can be fed as
    `{"views": (view_1, view_2)}`, and images with their position in the data set, for
    methods that `need_index`, as `{"images": ..., "index": ...}`; for arrays `fit` adds
    it. `model(images)` gives features; images of another size than the encoder's are
    brought to it.

    Args:
        encoder: `keras.Model` from images to features `[batch, dim]` or to a feature
            map `[batch, h, w, dim]`, which is average-pooled.
        views: `tfssl.views.Views`, or a list of transforms that makes each of the
            views. Defaults to the method's own, at the encoder's image size.
        seed: int; views are a function of it and of the step. Defaults to 0.
        name: string.

    Raises:
        ValueError: for something else than an encoder, views of another number
            than the method takes, or a seed that is no integer.
    """

    # The class of the method's own views.
    views_class = None
    # How many views of each image `views_loss` takes: a number, several in a tuple, or
    # None for any number.
    num_views = None
    # Names of what `views_loss` always logs besides the loss.
    log_names = ()

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        *,
        seed: int = 0,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(seed=seed, name=name, **kwargs)
        self.encoder = as_encoder(encoder)
        self.views = self._own_views() if views is None else self._as_views(views)
        self.check_views(self.views.num_views)
        self.feature_dim = self.encoder.output_shape[-1]
        self.add_logs(*self.log_names)
        self.built = True

    # What a method defines

    def views_loss(self, batch):
        """The loss of one batch of views, in training mode.

        State that the loss moves, such as a queue, is assigned here.

        Args:
            batch: `Batch`.

        Returns:
            Tuple of a float32 scalar, the mean over this replica's images, and a dict
            of scalars to log, one for each of `log_names` and of `add_logs`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define views_loss")

    def after_update(self):
        """What moves after the optimizer's step: teachers, centres."""

    def figures(self, images):
        """What the report shows of the method: tuples of a title, a caption and rows
        of pairs `(caption, image)`."""
        return []

    @property
    def published_encoder(self):
        """The encoder that is evaluated, saved and published.

        That of the papers whose teacher is the better of the two is the teacher's. Its
        variables are then not trainable. To train it on in a model of your own, take a
        copy: `tfssl.transfer.copy_of(method.published_encoder)`.
        """
        return self.encoder

    # What a method uses

    def features(self, images, training=False):
        """Features `[batch, dim]` of images, pooled if the encoder gives a map."""
        return layers.features_of(self.encoder, images, training=training)

    def embed(self, view):
        """Embeddings `[batch, d]` of a view in training mode, by `self.projector`."""
        return self.projector(self.features(view, training=True), training=True)

    # The Keras model

    def call(self, images, training=False):
        images = fit_images(images, input_size(self.encoder))
        return layers.pooled(self.published_encoder(images, training=training))

    @property
    def batch_multiple(self):
        """What a batch must be a multiple of: devices get equally many images, and so
        do the groups of their normalisation."""
        groups = [
            self.num_replicas * layer.groups_of(self.num_replicas)
            for layer in self._flatten_layers()
            if isinstance(layer, layers.SplitBatchNormalization)
        ]
        return math.lcm(self.num_shards, *groups)

    def check_batch(self, size):
        if size < self.least_batch * self.num_replicas:
            raise ValueError(
                f"{self.name} compares images of a batch: it takes {self.least_batch} "
                "at the least, on each replica. Received: "
                f"a batch of {size} on {self.num_replicas} replicas"
            )
        if size % self.batch_multiple:
            raise ValueError(
                f"A batch must be a multiple of {self.batch_multiple}, so that it "
                f"divides among the devices, {self.num_shards}, and the groups of "
                f"their SplitBatchNormalization. Received: a batch of {size}"
            )
        super().check_batch(size)

    def get_config(self):
        # One attribute for each argument of the constructor, with its name.
        names = set(inspect.signature(type(self).__init__).parameters)
        names -= {"self", "kwargs"}
        config = {name: getattr(self, name) for name in sorted(names | {"seed"})}
        return {
            name: keras.saving.serialize_keras_object(value)
            for name, value in config.items()
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value, custom_objects)
                for name, value in config.items()
            }
        )

    # What the steps use

    def batch_of(self, data):
        """The `Batch` of one element of the data."""
        data = unpack(data)
        if "views" in data:
            views = tuple(ops.cast(view, "float32") for view in data["views"])
        else:
            images = data["images"]
            views = self.views_of(images, self.places(ops.shape(images)[0]))
        self.check_views(len(views))
        index = None
        if self.needs_index:
            check_index(data, self.name)
            index = ops.cast(data["index"], "int32")
        return Batch(views, index, data.get("labels"))

    def views_of(self, images, places):
        """Views of images in this step.

        Args:
            images: tensor `[batch, height, width, 3]`.
            places: int32 tensor `[batch]`, as `places` gives them.

        Returns:
            Tuple of float32 tensors, a view each.
        """
        made = self.make_views(images, *self.view_draws(self.views, places))
        return check_made(made, images.shape[0])

    def example_loss(self):
        """The loss of the smallest batch, of black images; it moves nothing."""
        count = self.least_batch * self.batch_multiple * (self.accumulate or 1)
        height, width = (side or 32 for side in input_size(self.encoder))
        images = ops.zeros((count, height, width, 3), "uint8")
        labels = ops.zeros((count,), "int32")
        data = {"images": images, "index": labels, "labels": labels}
        if self.needs_labels:
            data["labelled"] = images
        with keras.StatelessScope():
            return self.step_loss(self.batch_of(data))[0]

    def _as_views(self, views):
        count = self.num_views or 2
        return as_views(views, count[0] if isinstance(count, tuple) else count)

    def _own_views(self):
        height, width = input_size(self.encoder)
        if height is None or height != width:
            raise ValueError(
                f"{self.name} chooses views for square images of a known size alone. "
                f"Give views={self.views_class.__name__}(image_size=...), or an "
                "encoder with such an input. Received: "
                f"{self.encoder.name} for {self.encoder.input_shape}"
            )
        return self.views_class(height)

    def check_size(self, views):
        """Refuses views whose patches are not those of the encoder's images."""
        size = tuple(views.shape[1:3])
        if None not in size and size != input_size(self.encoder):
            raise ValueError(
                f"{self.name} takes views of the size of the encoder's images, whose "
                f"patches it counts: {input_size(self.encoder)}. Received: {size}"
            )

    def check_views(self, count):
        """Refuses another number of views than the method takes."""
        taken = self.num_views
        taken = taken if isinstance(taken, tuple) or taken is None else (taken,)
        if taken is not None and count not in taken:
            raise ValueError(
                f"{self.name} takes {' or '.join(map(str, taken))} views of each "
                f"image. Received: {count}"
            )

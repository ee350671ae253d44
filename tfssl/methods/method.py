"""The base class of all methods."""

import inspect
import math

import keras
import numpy as np
from keras import ops

from tfssl import encoders, layers, replicas, training
from tfssl.training.batches import Batches, without_remainders
from tfssl.training.images import check_images, first_batch, images_of
from tfssl.views import SMALL_IMAGE
from tfssl.views.random import fold_in

_MONITORED = 512


class Method(training.Trainer, keras.Model):
    """A self-supervised method: an encoder, views of its images, and a loss on them.

    A method implements `views_loss`; those with a teacher that moves after the
    optimizer also `after_update`. The step, replicas, precision, logs and saving are
    done here.

    `fit` takes plain images: an array `[n, height, width, 3]`, a `tf.data.Dataset` of
    image batches, or of `(images, labels)` whose labels are ignored, or a
    `keras.utils.PyDataset` of either. Pixel values are in [0, 255], uint8 or float.
    Ready-made views can be fed as `{"views": (view_1, view_2)}`, and images with their
    place in the data set, for methods that `need_index`, as
    `{"images": ..., "index": ...}`; for arrays `fit` adds it.

    Args:
        encoder: `keras.Model` from images to features `[batch, dim]` or to a feature
            map `[batch, h, w, dim]`, which is average-pooled.
        views: `tfssl.views.Views`. Defaults to the method's own, at the encoder's
            image size.
        seed: int; views are a function of it and of the step. Defaults to 0.
        name: string.

    Raises:
        ValueError: for something else than an encoder, or views of another number
            than the method takes.
    """

    # The class of the method's own views.
    views_class = None
    # How many views of each image `views_loss` takes: a number, several in a tuple, or
    # None for any number.
    num_views = None
    # Names of what `views_loss` always logs besides the loss.
    log_names = ()
    # Whether `views_loss` gets, after the views, the images' index in the data set.
    needs_index = False
    # Whether features that are all alike are a failure, which stops the run.
    can_collapse = True
    # The network that plays against the rest, with an optimizer of its own, or None.
    adversary = None
    # The argument that is 0 for a model without its adversary.
    adversary_weight = None
    # Of the adversary's Adam, if `compile` gets no other optimizer.
    adversary_adam = {"learning_rate": 2e-4, "beta_1": 0.5}
    # The largest image, in pixels, for which `make_encoder` takes the small stem.
    small_image = SMALL_IMAGE
    # What `make_encoder` gives to networks that take it, if nothing else is said.
    encoder_defaults = {}

    def __init__(self, encoder, views=None, *, seed=0, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.encoder = encoders.as_encoder(encoder)
        self.views = views or self._own_views()
        self.check_views(self.views.num_views)
        self.seed = seed
        self.feature_dim = self.encoder.output_shape[-1]
        # Counts the steps taken; views are drawn from it, so a resumed run goes on.
        self.step = self.add_weight(
            name="step", shape=(), dtype="int32", initializer="zeros", trainable=False
        )
        self._means = {}
        self.add_logs("loss", *self.log_names)
        self._compiled_views = None
        self.built = True

    # What a method defines

    def views_loss(self, views):
        """The loss of one batch of views, in training mode.

        State that the loss moves, such as a queue, is assigned here, and an adversary
        takes its step here, by `train_adversary`.

        Args:
            views: tuple of float32 tensors `[batch, height, width, 3]`, and the int32
                index `[batch]` if the method `needs_index`.

        Returns:
            Tuple of a float32 scalar, the mean over this replica's images, and a dict
            of scalars to log, one for each of `log_names` and of `add_logs`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define views_loss")

    @property
    def batch_multiple(self):
        """What a batch must be a multiple of: replicas get equally many images, and
        so do the groups of their normalisation."""
        groups = [
            self.num_replicas * layer.groups_of(self.num_replicas)
            for layer in self._flatten_layers()
            if isinstance(layer, layers.SplitBatchNormalization)
        ]
        return math.lcm(self.num_replicas, *groups)

    def check_batch(self, size):
        """Refuses a batch that the method cannot train on: `fit` asks before it starts.

        Args:
            size: int, images in a batch over all replicas.

        Raises:
            ValueError: for a batch that replicas or groups cannot share out.
        """
        if size % self.batch_multiple:
            raise ValueError(
                f"A batch must be a multiple of {self.batch_multiple}, so that it "
                f"divides among the replicas, {self.num_replicas}, and the groups of "
                f"their SplitBatchNormalization. Received: a batch of {size}"
            )

    def after_update(self):
        """What moves after the optimizer's step: teachers, centres."""

    def figures(self, images):
        """What the report shows of the method: `figures` of `transfer.write_report`."""
        return []

    @classmethod
    def make_encoder(cls, name, image_size, **kwargs):
        """An encoder that suits the method, by name: what the scripts train.

        Args:
            name: one of `tfssl.encoders.ENCODERS`, such as "resnet18".
            image_size: int.
            **kwargs: as `tfssl.encoders.encoder`.

        Returns:
            `keras.Model`.

        Raises:
            ValueError: as `tfssl.encoders.encoder`.
        """
        small, defaults = cls.small_image, cls.encoder_defaults
        try:
            return encoders.encoder(
                name, image_size, small_image=small, defaults=defaults, **kwargs
            )
        except ValueError as error:
            raise ValueError(
                f"{cls.__name__} cannot make its encoder: {error}"
            ) from None

    # What a method uses

    def add_logs(self, *names):
        """Names what `views_loss` logs of this model: for the constructor."""
        self._means.update({name: keras.metrics.Mean(name=name) for name in names})

    def features(self, images, training=False):
        """Features `[batch, dim]` of images, pooled if the encoder gives a map."""
        return layers.pooled(self.encoder(images, training=training))

    def key(self, shared=False):
        """The `[2]` key of the random numbers of this step.

        Args:
            shared: bool, whether all replicas get the same key. Defaults to False.
        """
        key = ops.stack([ops.cast(self.seed, "int32"), ops.cast(self.step, "int32")])
        # Numbers from 0 are the replicas'.
        return fold_in(key, 2**31 - 1 if shared else replicas.index())

    # The Keras model

    def call(self, images, training=False):
        return self.features(images, training=training)

    @property
    def learned_variables(self):
        """What the optimizer moves: all trainable variables but the adversary's."""
        if self.adversary is None:
            return self.trainable_variables
        others = {id(v) for v in self.adversary.trainable_variables}
        return [v for v in self.trainable_variables if id(v) not in others]

    def compile(self, optimizer="adam", adversary_optimizer=None, **kwargs):
        """Sets the optimizers.

        Args:
            optimizer: `keras.optimizers.Optimizer` or its name.
            adversary_optimizer: the same, for methods with an adversary. Defaults to
                Adam with the method's `adversary_adam`.
            **kwargs: as `keras.Model.compile`.

        Raises:
            ValueError: for an adversary on another backend than TensorFlow, or an
                optimizer for an adversary that is not there.
        """
        if self.adversary is None and adversary_optimizer is not None:
            raise ValueError(
                f"{self.name} has no adversary. Received: "
                f"adversary_optimizer={adversary_optimizer}"
            )
        if self.adversary is not None:
            if keras.backend.backend() != "tensorflow":
                weight = self.adversary_weight
                named = f": {weight}=0, in scripts --set={weight}=0" if weight else ""
                raise ValueError(
                    f"{self.name} with an adversary trains on TensorFlow only. "
                    f"Received: KERAS_BACKEND={keras.backend.backend()}. Set "
                    f"KERAS_BACKEND=tensorflow, or the adversary's weight to 0{named}."
                )
            adversary_optimizer = keras.optimizers.get(
                adversary_optimizer or keras.optimizers.Adam(**self.adversary_adam)
            )
        self.adversary_optimizer = adversary_optimizer
        super().compile(optimizer=optimizer, **kwargs)
        # In the strategy's scope and before any checkpoint is restored.
        self.build_optimizers()

    def get_compile_config(self):
        config = super().get_compile_config()
        if self.adversary_optimizer is not None:
            config["adversary_optimizer"] = keras.saving.serialize_keras_object(
                self.adversary_optimizer
            )
        return config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        callbacks=None,
        shuffle=True,
        initial_epoch=0,
        **kwargs,
    ):
        """Trains on images; the other arguments are those of `keras.Model.fit`.

        Args:
            x: images, see the class. Arrays are shuffled in an order that depends on
                the seed and the epoch only; images that do not fill a batch are left
                out of the epoch. Of a data set, batches that the replicas cannot share
                out equally, such as a last smaller one, are left out.
            y: labels; ignored.
            batch_size: int, for arrays; over all replicas. Defaults to 256.
            epochs, callbacks, shuffle, initial_epoch: as in Keras.

        Returns:
            `keras.callbacks.History` with the logs of each epoch.

        Raises:
            ValueError: for images of the wrong rank, range or channels, fewer of them
                than a batch, or a batch that does not divide among the replicas.
            tfssl.training.TrainingStopped: for a loss that is not finite, or collapse.
        """
        if ops.is_tensor(x) or isinstance(x, np.ndarray):
            x = Batches(
                check_images(ops.convert_to_numpy(x) if ops.is_tensor(x) else x),
                batch_size=256 if batch_size is None else batch_size,
                seed=self.seed,
                epoch=initial_epoch,
                shuffle=shuffle,
                with_index=self.needs_index,
            )
        elif batch_size is not None:
            raise ValueError(
                "batch_size goes with an array of images; a data set is batched "
                f"already. Received: batch_size={batch_size}"
            )
        images = check_images(images_of(first_batch(x)))
        self.check_batch(len(images))
        if not isinstance(x, keras.utils.PyDataset):
            x = without_remainders(x, self.batch_multiple)
        elif self.batch_multiple > 1 and x.num_batches:
            self.check_batch(len(images_of(x[x.num_batches - 1])))
        callbacks = list(callbacks or [])
        if not any(isinstance(c, training.HealthCheck) for c in callbacks):
            callbacks.insert(0, training.HealthCheck())
        callbacks.insert(0, training.Monitor(images[:_MONITORED], len(images)))
        return super().fit(
            x,
            epochs=epochs,
            callbacks=callbacks,
            # A tf.data set has its own order.
            shuffle=shuffle and isinstance(x, keras.utils.PyDataset),
            initial_epoch=initial_epoch,
            **kwargs,
        )

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

    # What the trainers use

    def views_of(self, data):
        """What `views_loss` gets of one element of the data."""
        # Of (images, labels), and of what Keras wraps in a tuple.
        data = data[0] if isinstance(data, (tuple, list)) else data
        if isinstance(data, dict) and "views" in data:
            views = tuple(ops.cast(view, "float32") for view in data["views"])
        else:
            views = tuple(self.make_views(images_of(data), self.key()))
        self.check_views(len(views))
        if not self.needs_index:
            return views
        if not isinstance(data, dict) or "index" not in data:
            raise ValueError(
                f"{self.name} needs each image's place in the data set. Feed "
                '{"images": images, "index": integers}, or an array of images.'
            )
        return (*views, ops.cast(data["index"], "int32"))

    def _own_views(self):
        size = self.encoder.input_shape[1]
        if size is None:
            raise ValueError(
                f"{self.name} cannot choose views for images of an unknown size. Give "
                f"views={self.views_class.__name__}(image_size=...), or an encoder "
                f"with a known input size. Received: {self.encoder.name} for "
                f"{self.encoder.input_shape}"
            )
        return self.views_class(size)

    def check_views(self, count):
        """Refuses another number of views than the method takes."""
        taken = self.num_views
        taken = taken if isinstance(taken, tuple) or taken is None else (taken,)
        if taken is not None and count not in taken:
            raise ValueError(
                f"{self.name} takes {' or '.join(map(str, taken))} views of each "
                f"image. Received: {count}"
            )

    def update_logs(self, loss, logs):
        """Adds to the epoch's means; returns them."""
        for name, value in {"loss": loss, **logs}.items():
            self._means[name].update_state(value)
        return {name: mean.result() for name, mean in self._means.items()}

"""What `compile`, `fit` and `evaluate` of a method do."""

import warnings

import keras
import numpy as np
from keras import ops

from tfssl import optimizers
from tfssl.checks import check_count
from tfssl.training import datasets
from tfssl.training.arguments import check_given, listed, refuse_loss, refuse_weights
from tfssl.training.batches import Batches, telling
from tfssl.training.health import HealthCheck, Monitor
from tfssl.training.images import check_images, check_index, first_batch, images_of
from tfssl.training.large_batches import LargeBatches
from tfssl.training.state import MOST_STEPS, StepState

if keras.backend.backend() == "tensorflow":
    from tfssl.training.tensorflow import Step
elif keras.backend.backend() == "jax":
    from tfssl.training.jax import Step
else:
    from tfssl.training.other import Step

_MONITORED = 512
_DEFAULT_BATCH = 256


class Trainer(Step, LargeBatches, StepState):
    """A `keras.Model` whose loss is a function of batches of images alone.

    Subclasses define `batch_of(data)`, `views_loss(batch)` and, if something moves
    after the optimizer, `after_update()`. The steps themselves are those of the
    backend.
    """

    # Whether a batch holds each image's position in the data set.
    needs_index = False
    # Whether it learns from labels too, -1 for images without.
    needs_labels = False
    # The fewest images, on each replica, whose loss is a number.
    least_batch = 1
    # Names of arguments that are moments of the run, see `before`.
    moments = ()
    # Whether features that are all alike are a failure, which stops the run.
    can_collapse = True

    @property
    def learned_variables(self):
        """What the optimizer moves."""
        return self.trainable_variables

    def compile(
        self,
        optimizer="adam",
        loss=None,
        metrics=None,
        loss_weights=None,
        weighted_metrics=None,
        chunk=None,
        accumulate=None,
        **kwargs,
    ):
        """Sets the optimizer. The loss is the method's own.

        Args:
            optimizer: `keras.optimizers.Optimizer` or its name. Defaults to "adam".
            loss, metrics, loss_weights, weighted_metrics: have no meaning without
                labels, and are refused.
            chunk: int, rows that go through the encoder at a time, on each replica, for
                batches whose activations memory does not hold. Features of all rows are
                kept, and the loss is that of the whole batch. Batch statistics of the
                encoder are those of each chunk. Defaults to None: all at once.
            accumulate: int, parts of a batch whose losses and gradients are computed
                one after the other in a step, for losses of each image by itself.
                Defaults to None: the whole batch.
            **kwargs: `run_eagerly`, `jit_compile`, `steps_per_execution` and
                `auto_scale_loss`, as in Keras.

        Raises:
            ValueError: for a loss, metrics or weights, chunk with a method that calls
                its encoder in a way of its own, or accumulate with a loss that looks
                across the batch.
        """
        refuse_loss(
            self.name,
            loss=loss,
            metrics=metrics,
            loss_weights=loss_weights,
            weighted_metrics=weighted_metrics,
        )
        self.set_parts(chunk, accumulate)
        # The views may be others since.
        self._compiled_views = self._compiled_inference = None
        super().compile(optimizer=optimizer, **kwargs)
        self.try_parts()
        # In the strategy's scope and before any checkpoint is restored.
        self.build_optimizers()

    def schedules(self):
        """Names of the model's numbers that go by how much of the run is done."""
        return [
            name
            for name, value in vars(self).items()
            if isinstance(value, optimizers.Schedule)
            or (name in self.moments and isinstance(value, float))
        ]

    def batches(self, images, labels, **kwargs):
        """What `fit` and `evaluate` make of arrays: `Batches`, or a subclass of it."""
        return Batches(images, None if self.needs_index else labels, **kwargs)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
        initial_step=0,
    ):
        """Trains on images; what is not listed is as in `keras.Model.fit`.

        Args:
            x: images, see the class. Arrays are shuffled in an order that depends on
                the seed and the epoch only; images that do not fill a batch are left
                out of the epoch. Of a data set, batches that the replicas cannot share
                out equally, such as a last smaller one, are left out.
            y: labels; only methods that say so look at them.
            batch_size: int, for arrays; over all replicas. Defaults to 256.
            validation_split: float in [0, 1), the fraction of an array, from its end,
                that is held out.
            validation_data: images that are held out, as `x`. `val_loss` is the
                method's own loss on them; see `evaluate`.
            initial_epoch, initial_step: ints, where a run goes on: the epoch, and for
                arrays and `Batches` the batches of it that are done. Default to 0.

        Returns:
            `keras.callbacks.History` with the logs of each epoch.

        Raises:
            ValueError: for images of the wrong rank, range or channels, fewer of them
                than a batch, a batch that does not divide among the replicas, data
                without an end, weights of classes or images, numbers of images, steps
                or epochs that are no counts, or `callbacks` that are no list of them.
            tfssl.training.TrainingStopped: for a loss that is not finite, or collapse.
        """
        refuse_weights(
            self.name, class_weight=class_weight, sample_weight=sample_weight
        )
        check_count(
            0, epochs=epochs, initial_epoch=initial_epoch, initial_step=initial_step
        )
        check_given(
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
        )
        if not isinstance(validation_freq, (list, tuple)):
            check_count(validation_freq=validation_freq)
        callbacks = listed(callbacks)
        if validation_split and validation_data is None:
            x, y, validation_data = datasets.held_out(x, y, validation_split)
        feed = self._feed(x, y, batch_size, shuffle, initial_epoch, initial_step)
        first = first_batch(feed)
        images = check_images(images_of(first))
        self.check_batch(len(images))
        if self.needs_index:
            check_index(first, self.name)
        if isinstance(feed, Batches):
            feed.own = self.own_places(len(images))
        one_size = isinstance(feed, Batches) and feed.drop_remainder
        self.rows_of_replica = len(images) // self.num_replicas if one_size else None
        self._set_last_step(feed, epochs, steps_per_epoch, initial_epoch, initial_step)
        if validation_data is not None:
            sizes = (validation_batch_size, batch_size, len(images))
            size = next(size for size in sizes if size is not None)
            validation_data = self._held_out_feed(
                validation_data, size, validation_steps, "validation_steps"
            )
        with warnings.catch_warnings(), telling(feed):
            if steps_per_epoch is None:
                # Said of an epoch that goes on, and of data of unknown length.
                warnings.filterwarnings("ignore", "Your input ran out of data")
            return super().fit(
                feed,
                epochs=epochs,
                verbose=verbose,
                callbacks=self._callbacks(callbacks, images, feed),
                validation_data=validation_data,
                # A tf.data set has its own order.
                shuffle=shuffle and isinstance(feed, keras.utils.PyDataset),
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """The method's own loss on images, with nothing moved.

        It is the loss of training, with views, normalisation by batches and all. Yet no
        weight, statistic, queue, bank or counter changes, and the views are the same at
        each call.

        Args:
            x: images, as for `fit`. Images that do not fill a batch are left out.
            y: labels; only methods that say so look at them.
            batch_size: int, for arrays. Defaults to 256, and to all images if there
                are fewer.
            **kwargs: `verbose`, `steps`, `callbacks` and `return_dict`, as in Keras.

        Returns:
            The loss, or a list of the loss and the other logs; with
            `return_dict=True` a dict.
        """
        if "_use_cached_eval_dataset" not in kwargs:
            data = x if y is None else (x, y)
            x = self._held_out_feed(data, batch_size, kwargs.get("steps"), "steps")
            y = None
        return super().evaluate(x, y, **kwargs)

    def _feed(self, x, y, batch_size, shuffle=True, epoch=0, start=0):
        """Images of any kind as what Keras goes through batch by batch."""
        if datasets.is_array(x):
            return self.batches(
                check_images(ops.convert_to_numpy(x) if ops.is_tensor(x) else x),
                None if y is None else np.asarray(y),
                batch_size=_DEFAULT_BATCH if batch_size is None else batch_size,
                seed=self.seed,
                epoch=epoch,
                start=start,
                shuffle=shuffle,
                with_index=self.needs_index,
            )
        if batch_size is not None and datasets.is_data_set(x):
            raise ValueError(
                "batch_size goes with an array of images; a data set is batched "
                f"already. Received: batch_size={batch_size}"
            )
        self.check_batch(len(images_of(first_batch(x))))
        if isinstance(x, Batches) and (epoch or start):
            x.go_on(epoch, start)
        if isinstance(x, keras.utils.PyDataset):
            if max(self.batch_multiple, self.least_batch) > 1 and x.num_batches:
                self.check_batch(len(images_of(x[x.num_batches - 1])))
            return x
        return datasets.without_remainders(
            datasets.of_one_size(x),
            self.batch_multiple,
            self.least_batch * self.num_replicas,
        )

    def _held_out_feed(self, data, batch_size, steps, name):
        """As `_feed`; the argument `name` says how many steps of it, or None."""
        x, y = data[:2] if isinstance(data, (tuple, list)) else (data, None)
        check_given(batch_size=batch_size, **{name: steps})
        if datasets.is_array(x):
            batch_size = batch_size or _DEFAULT_BATCH
            if batch_size > len(x):
                batch_size = self.largest_batch(len(x))
            self.check_batch(batch_size)
            return self._feed(x, y, batch_size, shuffle=False)
        feed = self._feed(x, y, None)
        if steps is None:
            datasets.steps_per_epoch(feed, name)
        return feed

    def _set_last_step(self, feed, epochs, per_epoch, initial_epoch, initial_step):
        per_epoch = datasets.steps_per_epoch(feed) if per_epoch is None else per_epoch
        if per_epoch is None:
            schedules = self.schedules()
            if schedules:
                raise ValueError(
                    f"{' and '.join(schedules)} of {self.name} go by the run, "
                    "whose length this data set does not say. Give steps_per_epoch. "
                    "Received: a data set of unknown length"
                )
            return
        remaining = (epochs - initial_epoch) * per_epoch - initial_step
        last = int(ops.convert_to_numpy(self.step)) + max(remaining, 0)
        if last > MOST_STEPS:
            raise ValueError(
                f"A run has at most {MOST_STEPS:,} steps. Choose fewer epochs. "
                f"Received: {epochs} epochs of {per_epoch} steps"
            )
        self.last_step.assign(last)

    def _callbacks(self, callbacks, images, feed):
        """The given callbacks, with those that watch every run."""
        if not any(isinstance(c, HealthCheck) for c in callbacks):
            callbacks.insert(0, HealthCheck())
        watched = images
        if isinstance(feed, Batches):
            # The same when a run goes on, and of all classes if they come in order.
            step = max(len(feed.images) // _MONITORED, 1)
            watched = feed.images[: step * _MONITORED : step]
        monitor = Monitor(np.asarray(watched[:_MONITORED]), len(images))
        monitor.set_model(self)
        # What fails here would fail after the first epoch.
        monitor.measure()
        for callback in callbacks:
            if isinstance(callback, HealthCheck):
                callback.monitor = monitor
        callbacks.insert(0, monitor)
        if isinstance(feed, Batches):
            callbacks.append(datasets.FollowRestoredEpoch(feed))
        return callbacks

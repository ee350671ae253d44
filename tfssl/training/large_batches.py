"""Batches of which memory holds a part at a time, in the same step."""

import math

import keras
from keras import ops

from tfssl import layers
from tfssl.training.arguments import check_given
from tfssl.training.state import evaluation


class LargeBatches:
    """Mixin of `tfssl.training.Trainer`: a loss that is computed in chunks or parts."""

    chunk = None
    accumulate = None

    def set_parts(self, chunk, accumulate):
        """Keeps what `compile` was given; see there."""
        if chunk is not None and accumulate is not None:
            raise ValueError(
                "chunk is for losses that look across the batch, accumulate for those "
                "that look at each image by itself. Give one of them. Received: "
                f"chunk={chunk}, accumulate={accumulate}"
            )
        check_given(chunk=chunk, accumulate=accumulate)
        self.chunk, self.accumulate = chunk, accumulate

    def get_compile_config(self):
        parts = {"chunk": self.chunk, "accumulate": self.accumulate}
        given = {name: value for name, value in parts.items() if value is not None}
        return {**super().get_compile_config(), **given}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def try_parts(self):
        """Goes through the loss once if `compile` was given chunks or parts.

        A loss that they do not make is refused before training starts.
        """
        if self.chunk is None and self.accumulate is None:
            return
        with evaluation():
            self.trace(self.example_loss)

    def check_batch(self, size):
        """Refuses a batch that the method cannot train on: `fit` asks before it starts.

        Args:
            size: int, images in a batch over all replicas.

        Raises:
            ValueError: for a batch that replicas, groups, chunks or parts cannot share
                out.
        """
        own = size // self.num_replicas
        if self.chunk is not None and own > self.chunk and own % self.chunk:
            raise ValueError(
                f"A batch must be a multiple of {self.chunk * self.num_replicas}, the "
                f"chunk of {self.chunk} on {self.num_replicas} replicas, or smaller. "
                f"Received: a batch of {size}"
            )
        if self.accumulate is not None and own % self.accumulate:
            raise ValueError(
                f"A batch must be a multiple of {self.accumulate * self.num_replicas}, "
                f"the {self.accumulate} parts of accumulate on {self.num_replicas} "
                f"replicas. Received: a batch of {size}"
            )

    def largest_batch(self, most):
        """The largest batch of at most so many images that `check_batch` takes.

        Args:
            most: int of at least 1.

        Returns:
            int; `most` itself where there is none.
        """
        unit = self.batch_multiple * (self.accumulate or 1)
        if self.chunk is not None and most // self.num_replicas > self.chunk:
            unit = math.lcm(unit, self.chunk * self.num_replicas)
        return most - most % unit or most

    def rows_at_a_time(self, size):
        """Images that one device's network takes together in a step.

        Args:
            size: int, images in a batch over all replicas.

        Returns:
            int of at least 1.
        """
        own = max(size // self.num_shards, 1)
        if self.accumulate is not None:
            return max(own // self.accumulate, 1)
        return own if self.chunk is None else min(own, self.chunk)

    def step_loss(self, batch):
        """`views_loss` as `compile` says: at once, in chunks or in parts.

        Penalties of weights, such as a layer's `kernel_regularizer`, come on top.
        """
        if self.chunk is not None:
            loss, logs = self._loss_in_chunks(batch)
        elif self.accumulate is not None:
            loss, logs = self._loss_in_parts(batch)
        else:
            loss, logs = self.views_loss(batch)
        for variable in self.learned_variables:
            if variable.regularizer is not None:
                loss += ops.cast(variable.regularizer(variable), loss.dtype)
        return loss, logs

    def _loss_in_chunks(self, batch):
        """The loss of the whole batch, from features that are computed in chunks."""
        # Of this replica: others are in the middle of their own step.
        networks = []

        def features(function, network, images):
            networks.append(network)
            return self._features(function, network, images)

        with layers.features_by(features):
            loss, logs = self.views_loss(batch)
        # A teacher alone would save little.
        if not any(network.trainable_variables for network in networks):
            raise ValueError(
                f"{self.name} calls its encoder in a way of its own, not in chunks. "
                "Leave out chunk; for a loss of each image by itself, "
                f"accumulate=4 makes a step of 4 parts. Received: chunk={self.chunk}"
            )
        return loss, logs

    def _features(self, function, network, images):
        rows = _known_rows(images, chunk=self.chunk)
        if rows <= self.chunk:
            return function(images)
        # The fewest chunks of one size.
        count = -(-rows // self.chunk)
        while rows % count:
            count += 1
        features = self.in_parts(function, network.variables, [images], count)
        return ops.reshape(features, (rows, features.shape[-1]))

    def _loss_in_parts(self, batch):
        """The mean over the parts of the batch of the loss of each."""
        rows = [each for each in keras.tree.flatten(batch) if each is not None]
        for each in rows:
            size = _known_rows(each, accumulate=self.accumulate)
            if size % self.accumulate:
                raise ValueError(
                    f"{size} rows do not divide into the parts of accumulate. Choose "
                    f"another batch size. Received: accumulate={self.accumulate}"
                )
        names = []

        def loss_of(*rows):
            rows = list(rows)
            part = keras.tree.map_structure(
                lambda each: None if each is None else rows.pop(0), batch
            )
            loss, logs = self.views_loss(part)
            names[:] = logs
            return ops.stack(
                [ops.cast(each, "float32") for each in (loss, *logs.values())]
            )

        variables = [*self.variables, *self.metrics_variables]
        try:
            each = self.in_parts(loss_of, variables, rows, self.accumulate)
        except ValueError as error:
            if "looks across the whole batch" not in str(error):
                raise
            raise ValueError(
                f"The loss of {self.name} looks across the batch, so that it is not "
                "the mean of those of parts. Leave out accumulate; chunk=256 computes "
                "features for 256 rows at a time, and the loss from all of them. "
                f"Received: accumulate={self.accumulate}"
            ) from error
        loss, *values = ops.unstack(ops.mean(each, axis=0))
        return loss, dict(zip(names, values, strict=True))


def _known_rows(tensor, **given):
    rows = tensor.shape[0]
    if rows is None:
        ((name, value),) = given.items()
        raise ValueError(
            f"{name} takes batches of a known size: an array of images, or a data set "
            f"with drop_remainder=True. Received: {name}={value}, {tensor.shape}"
        )
    return rows

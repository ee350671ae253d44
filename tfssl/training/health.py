"""Watching a run: what to log of it, and when to stop it."""

import time

import keras
import numpy as np


def feature_std(features):
    """Mean standard deviation per dimension of length-1 features.

    Args:
        features: float array `[n, dim]`.

    Returns:
        float: 0 when all features are equal, at most `1 / sqrt(dim)`.

    Example:
        >>> import numpy as np
        >>> from tfssl.training.health import feature_std
        >>> round(feature_std(np.eye(4)), 4)
        0.433
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return float(np.mean(np.std(features / np.maximum(lengths, 1e-6), axis=0)))


def effective_rank(features):
    """Exponential of the entropy of the normalised singular values.

    Args:
        features: float array `[n, dim]`.

    Returns:
        float from 1 (one direction) to `min(n, dim)`; 0 for features that are all 0.

    Example:
        >>> import numpy as np
        >>> from tfssl.training.health import effective_rank
        >>> round(effective_rank(np.eye(4)), 4)
        4.0

    Source: Roy and Vetterli 2007, "The effective rank".
    """
    features = np.asarray(features, "float64")
    if features.shape[0] < features.shape[1]:
        features = features.T
    # The small product takes a fraction of a decomposition's time, once an epoch.
    squares = np.linalg.eigvalsh(features.T @ features)
    rounding = squares[-1] * len(squares) * np.finfo("float64").eps
    singular = np.sqrt(np.where(squares > rounding, squares, 0.0))
    total = singular.sum()
    if total == 0:
        return 0.0
    p = singular / total
    p = p[p > 0]
    return float(np.exp(-np.sum(p * np.log(p))))


def with_statistics_of(model, images):
    """What a model gives in inference once its moving statistics are those of images.

    Those of `keras.layers.BatchNormalization` follow the batches slowly, at a momentum
    of 0.999 for a thousand steps; until then a deep network may give nearly the same
    features for all images, although it has learned to tell them apart.

    Args:
        model: `keras.Model` of images; it is not changed.
        images: array `[n, height, width, 3]`.

    Returns:
        What the model gives, or None if it has no moving statistics.
    """
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not layers:
        return None
    momenta = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.momentum = 0.0
        with keras.StatelessScope() as scope:
            model(images, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    variables = [v for x in layers for v in (x.moving_mean, x.moving_variance)]
    values = [(v, scope.get_current_value(v)) for v in variables]
    with keras.StatelessScope([(v, new) for v, new in values if new is not None]):
        return model(images, training=False)


class Monitor(keras.callbacks.Callback):
    """Logs feature_std, effective_rank, learning_rate and images_per_second.

    `Method.fit` puts it before all other callbacks, so that they see what it adds.

    Args:
        images: array `[n, height, width, 3]` with pixel values in [0, 255]; the
            encoder's features of these are watched.
        batch_size: int, images a step over all replicas.
    """

    # Its times may be taken beside the loop. Else Keras would wait for the logs of
    # each step before it sends the next one to the device.
    async_safe = True

    def __init__(self, images, batch_size):
        super().__init__()
        self.images = images
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch, logs=None):
        self.steps = 0
        self.started = None

    def on_train_batch_end(self, batch, logs=None):
        # The first step compiles; it does not count.
        if self.started is None:
            self.started = time.perf_counter()
            self.first = batch
        # Beside the loop they may come in another order.
        self.steps = max(self.steps, batch - self.first)
        self.elapsed = time.perf_counter() - self.started

    def measure(self):
        """Spread and rank of the features now: a dict."""
        # In pieces of one size, no larger than in a step: they fit where it fits.
        count = -(-len(self.images) // self.model.rows_at_a_time(self.batch_size))
        rows = len(self.images) // count
        starts = range(0, count * rows, rows)
        features = np.concatenate(
            [_numpy(self.model.features_now(self.images[i : i + rows])) for i in starts]
        )
        finite = np.isfinite(features).all()
        return {
            "feature_std": feature_std(features),
            "effective_rank": effective_rank(features) if finite else float("nan"),
        }

    def settled_std(self):
        """`feature_std` as it is once moving statistics have settled; None without."""
        # As many as in a step, and such that groups of normalisation share them out.
        multiple = self.model.batch_multiple
        rows = self.model.rows_at_a_time(self.batch_size)
        images = self.images[: max(rows // multiple, 1) * multiple]
        features = with_statistics_of(self.model, images)
        return None if features is None else feature_std(_numpy(features))

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        logs.update(self.measure())
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        if self.steps:
            logs["images_per_second"] = self.steps * self.batch_size / self.elapsed


def _numpy(x):
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))


class TrainingStopped(RuntimeError):
    """A run that cannot come to anything: the loss is not finite, or collapse."""


class HealthCheck(keras.callbacks.Callback):
    """Stops a run whose loss is not finite or whose features have collapsed.

    `Method.fit` adds one by default. To keep a run going, pass your own with
    `stop=False`; it then only warns. The loss is looked at after each step, features
    after each epoch. Features that look collapsed only because moving statistics have
    not settled yet are no collapse: that is said once, and goes on.

    Args:
        patience: int, epochs in a row with collapsed features. Defaults to 3.
        threshold: float; features are collapsed when their `feature_std` is below
            this fraction of the largest possible, `1 / sqrt(dim)`. Defaults to 0.01.
        stop: bool. Defaults to True.

    Raises:
        TrainingStopped: out of `fit`, with what to try.

    Example:
        >>> import tfssl
        >>> callback = tfssl.training.HealthCheck(patience=5)
    """

    # As the monitor's: Keras brings the logs of a step to the host in any case.
    async_safe = True

    def __init__(self, patience=3, threshold=0.01, stop=True):
        super().__init__()
        self.patience = patience
        self.threshold = threshold
        self.stop = stop
        self.collapsed = 0
        # `fit` gives it the run's.
        self.monitor = None
        self._said = False
        self.found = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.found = False
        # Steps of the run that are done, and of the epoch those of a finite loss.
        self.done = int(keras.ops.convert_to_numpy(self.model.step))
        self.finite = 0

    def on_train_batch_end(self, batch, logs=None):
        # The mean of the epoch so far: once it is not finite, it stays so.
        loss = (logs or {}).get("loss", 0.0)
        if np.isfinite(loss):
            self.finite = max(self.finite, batch + 1)
        elif not self.found:
            self._complain_of_loss(self.epoch, loss, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        loss = logs.get("loss", 0.0)
        if not np.isfinite(loss) and not self.found:
            self._complain_of_loss(epoch, loss)
        if not self.model.can_collapse:
            return
        dim = self.model.feature_dim
        limit = self.threshold / np.sqrt(dim)
        alike = logs.get("feature_std", 1.0) < limit
        if alike and self._unsettled(limit):
            alike = False
            self._say_unsettled(epoch, logs["feature_std"])
        self.collapsed = self.collapsed + 1 if alike else 0
        if self.collapsed >= self.patience:
            self._complain(
                "The features have collapsed: for "
                f"{self.collapsed} epochs nearly all images have had the same features "
                f"(feature_std {logs['feature_std']:.2g}, healthy is up to "
                f"{1 / np.sqrt(dim):.2g}). Try a lower learning rate, a larger batch, "
                "stronger views, or look whether the images differ at all."
            )

    def _complain_of_loss(self, epoch, loss, step=None):
        self.found = True
        since = ""
        if step is not None:
            # Several steps may be one execution, or end in another order.
            first, last = self.done + self.finite + 1, self.done + step
            since = f" since step {last}"
            if first < last:
                since = f" since one of the steps {first} to {last}"
        self._complain(
            f"The loss of epoch {epoch + 1} is {loss}{since}. Try a lower learning "
            "rate, a longer warm-up, or float32 instead of mixed precision; look for "
            "images that are not finite."
        )

    def _unsettled(self, limit):
        settled = None if self.monitor is None else self.monitor.settled_std()
        return settled is not None and settled >= limit

    def _say_unsettled(self, epoch, spread):
        if self._said:
            return
        self._said = True
        print(
            f"\nWarning: after epoch {epoch + 1} nearly all images have the same "
            f"features in inference (feature_std {spread:.2g}), not in training: the "
            "moving statistics of BatchNormalization have not settled yet. This is no "
            "collapse, and training goes on; train for more steps, or set the momentum "
            "of these layers lower, to 0.9, before compile."
        )

    def _complain(self, message):
        if self.stop:
            raise TrainingStopped(message)
        print(f"\nWarning: {message}")

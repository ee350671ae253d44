"""What a step knows: its number, the progress of the run, random numbers, logs."""

import contextlib
import contextvars
import numbers

import keras
from keras import ops

from tfssl import optimizers, replicas
from tfssl.checks import check_count
from tfssl.views.random import RandomStream, ReplicaStream, fold_in, number_of
from tfssl.views.views import takes_places

# Numbers from 0 are of replicas.
_SHARED = 2**31 - 1
_EVALUATION = 2**31 - 2
_LARGEST_SEED = 2**31 - 1
# Steps are counted in int32.
MOST_STEPS = 2**31 - 1
# Replicas take turns in threads of their own, in the middle of a step.
_evaluates = contextvars.ContextVar("evaluates", default=False)


@contextlib.contextmanager
def evaluation():
    """Within, a loss is that of held-out images; see `StepState.evaluating`."""
    token = _evaluates.set(True)
    try:
        yield
    finally:
        _evaluates.reset(token)


class StepState(keras.Model):
    """A model that counts its steps, and draws and logs by their number.

    Args:
        seed: int; all random numbers are a function of it and of the step.
        name: string.
    """

    def __init__(self, seed=0, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        check_count(0, seed=seed)
        if seed > _LARGEST_SEED:
            raise ValueError(
                f"seed must be at most {_LARGEST_SEED}. Received: seed={seed}"
            )
        self.seed = seed
        # Counts the steps taken; views are drawn from it, so a resumed run goes on.
        self.step = self._counter("step")
        # At which step the run ends, for schedules; `fit` says it.
        self.last_step = self._counter("last_step")
        self._means = {}
        self.add_logs("loss")
        # Images of a step on each replica, where `fit` knows it.
        self.rows_of_replica = None
        # Built when they are needed: no part of what is saved or copied.
        self._compiled_views = self._compiled_inference = None

    def _counter(self, name):
        return self.add_weight(
            name=name, shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    # Logs

    def add_logs(self, *names):
        """Names what `views_loss` logs of this model: for the constructor."""
        self._means.update({name: keras.metrics.Mean(name=name) for name in names})

    def means_of_epoch(self, steps, logs):
        """What the means of this epoch hold so far, to go on with them.

        Args:
            steps: int, steps of the epoch that were taken.
            logs: dict, the means themselves.

        Returns:
            Tuple of floats, the values of `metrics_variables`.
        """
        return tuple(float(ops.convert_to_numpy(v)) for v in self.metrics_variables)

    def update_logs(self, loss, logs):
        """Adds to the epoch's means; returns them."""
        for name, value in {"loss": loss, **logs}.items():
            self._means[name].update_state(value)
        return {name: mean.result() for name, mean in self._means.items()}

    @property
    def metrics(self):
        # Keras's own tracker would be a second "loss".
        tracker = getattr(self, "_loss_tracker", None)
        return [metric for metric in super().metrics if metric is not tracker]

    # Numbers of the step

    @property
    def evaluating(self):
        """Whether the loss is that of held-out images, which moves nothing."""
        return _evaluates.get()

    @property
    def progress(self):
        """How much of the run is done: a float32 scalar from 0 to 1."""
        done = ops.cast(self.step, "float32")
        last = ops.maximum(ops.cast(self.last_step, "float32"), 1.0)
        return ops.minimum(done / last, 1.0)

    def now(self, number):
        """A number, or what its schedule says at this step."""
        return optimizers.value_at(number, self.progress)

    def before(self, moment):
        """Whether the run has not come to a moment yet: a bool scalar.

        Args:
            moment: int, a step; or float within [0, 1], a fraction of the run.
        """
        if isinstance(moment, numbers.Integral):
            return ops.cast(self.step, "int32") < int(moment)
        return self.progress < moment

    def keep_step_of(self, whole):
        """Stands where the run of the model stands that this one is a part of.

        Args:
            whole: `StepState` that is trained; it calls this in each step.
        """
        self.step.assign(whole.step)
        self.last_step.assign(whole.last_step)

    def own_places(self, batch_size):
        """Places in a batch whose images this process trains on; None for all.

        Args:
            batch_size: int, images in a batch over all replicas.
        """
        return None

    # Weights that stay

    def held_variables(self):
        """Weights that the optimizer leaves as they are, and whether it does now.

        Returns:
            Tuple of a list of trainable variables, the same at each step, and a bool
            scalar. While it is true the optimizer's step does not change a bit of them.
        """
        return [], False

    def held(self, variables):
        """Of each variable whether this step holds it, or None if none ever does."""
        named, now = self.held_variables()
        named = {id(variable) for variable in named}
        return [now if id(v) in named else None for v in variables]

    # Random numbers

    def key(self, number=0):
        """A `[2]` key of random numbers of this step.

        Args:
            number: int or scalar integer tensor, which of its keys. All replicas have
                the same. Defaults to 0.
        """
        count = self._means["loss"].count if self.evaluating else self.step
        key = ops.stack([ops.cast(self.seed, "int32"), ops.cast(count, "int32")])
        if self.evaluating:
            key = fold_in(key, _EVALUATION)
        return fold_in(key, number)

    def places(self, *counts):
        """Places of this replica's images in the batch of all.

        Args:
            *counts: ints or scalar integer tensors, images of each group, where the
                images of a batch are groups of which one follows the other.

        Returns:
            int32 tensor `[sum of counts]`.
        """
        found, before = [], 0
        for count in counts:
            found.append(before + replicas.positions(count))
            before += count * replicas.count()
        return ops.concatenate(found)

    def view_draws(self, views, places, number=0):
        """What makes views of this replica's images, besides the images.

        Replicas get together the views that one device makes of the whole batch. From a
        function that knows of no parts of a batch each gets views of a key of its own.

        Args:
            views: `tfssl.views.Views`, or another function of images and seed; one that
                takes `places` knows of parts.
            places: int32 tensor `[batch]`, see `places`.
            number: int, other than 0 for a second set of views. Defaults to 0.

        Returns:
            Tuple of arguments for `views`: a key and, of several replicas, the places
            and how many there are.
        """
        parts = takes_places(views)
        key = self.key(0 if parts else replicas.index())
        if number:
            key = fold_in(key, number)
        if not parts or replicas.count() == 1:
            return (key,)
        return key, (places, ops.shape(places)[0] * replicas.count())

    def stream(self, name):
        """Random numbers of this step, of their own for each name.

        Args:
            name: string, what they are for.

        Returns:
            `tfssl.views.ReplicaStream`: replicas draw together what one device draws.
        """
        return ReplicaStream(fold_in(self.key(_SHARED), number_of(name)))

    def uniform(self, shape, name, shared=False):
        """Uniform numbers in [0, 1), a row for each image of the batch.

        Args:
            shape: tuple, `(batch, ...)`.
            name: string, what they are for; each name has numbers of its own.
            shared: bool, whether they are no rows of images, but the same numbers on
                all replicas. Defaults to False.

        Returns:
            float32 tensor of this shape.
        """
        if shared:
            key = fold_in(self.key(_SHARED), number_of(name))
            return RandomStream(key).uniform(shape)
        return self.stream(name).uniform(shape)


def gradients_of_held(optimizer, held, gradients):
    """Gradients for a step whose optimizer leaves some weights as they are.

    They have none, so that no momentum gathers for the step in which they are let go.
    With Adam they have theirs: it corrects its moments for a start that lies as many
    steps back as the run has had, and would begin with steps several times too long.

    Args:
        optimizer: `keras.optimizers.Optimizer`.
        held: as for `keep`.
        gradients: list of tensors, or None.

    Returns:
        List of tensors, or None.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(inner, keras.optimizers.Adam):
        return gradients
    return keep(held, [0.0] * len(held), gradients)


def keep(held, old, new):
    """The old values of what is held, else the new ones.

    Args:
        held: list of bool scalars, or None for what is never held.
        old, new: lists of tensors; None, for no gradient, stays None.

    Returns:
        List of tensors.
    """
    return [
        b if now is None or b is None else ops.where(now, a, b)
        for now, a, b in zip(held, old, new, strict=True)
    ]

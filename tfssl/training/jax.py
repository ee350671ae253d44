"""The training step on JAX."""

import jax
import keras

from tfssl import replicas
from tfssl.training.parts import Parts
from tfssl.training.state import evaluation, gradients_of_held, keep

# What Keras takes along in this order.
_STATE = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)


class Step:
    """Mixin of `tfssl.training.Trainer`: one pure function of the model's state."""

    # The arrays are global, so the step is one for all devices.
    num_replicas = 1

    @property
    def num_shards(self):
        """Devices that each hold as many images of a batch."""
        return replicas.devices()

    def __setattr__(self, name, value):
        if name == "_jax_state":
            # Set in each step. Keras would look for variables in all of it, which takes
            # milliseconds in which a GPU waits.
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def fit(self, *args, **kwargs):
        try:
            return super().fit(*args, **kwargs)
        except BaseException:
            # While Keras trains, it keeps the weights for itself. A step that broke off
            # may have used them up; then the error is all there is to tell.
            values = jax.tree.leaves(getattr(self, "_jax_state", None))
            if not any(value.is_deleted() for value in values):
                self.jax_state_sync()
            raise

    def _get_jax_state(self, **parts):
        state = super()._get_jax_state(**parts)
        # For a step that fails before it has ended once.
        names = [name for name in _STATE if parts.get(name)]
        self._jax_state = dict(zip(names, state, strict=True))
        return state

    def features_now(self, images):
        """What the model gives for images, in inference; compiled once.

        Args:
            images: array `[n, height, width, 3]`, of the same shape at each call.

        Returns:
            Tensor `[n, dim]`.
        """
        if self._compiled_inference is None:
            # Operation by operation takes longer than many a step.
            self._compiled_inference = jax.jit(
                lambda *state: self.stateless_call(*state, training=False)[0]
            )
        variables = (self.trainable_variables, self.non_trainable_variables)
        values = ([v.value for v in group] for group in variables)
        return self._compiled_inference(*values, images)

    def train_step(self, state, data):
        trainable, non_trainable, optimizer_state, metrics = state

        def loss_of(trainable, non_trainable):
            with self._with_state(trainable, non_trainable, metrics) as scope:
                loss, logs = self.step_loss(self.batch_of(data))
            moved = _values(scope, self.non_trainable_variables, non_trainable)
            return self._scaled(loss, optimizer_state), (loss, logs, moved)

        (_, (loss, logs, non_trainable)), gradients = jax.value_and_grad(
            loss_of, has_aux=True
        )(trainable, non_trainable)
        with self._with_state(trainable, non_trainable, metrics):
            held = self.held(self.trainable_variables)
        gradients = gradients_of_held(self.optimizer, held, gradients)
        moved, optimizer_state = self.optimizer.stateless_apply(
            optimizer_state, gradients, trainable
        )
        # Without a gradient they still decay.
        trainable = keep(held, trainable, moved)
        with self._with_state(trainable, non_trainable, metrics) as scope:
            self.after_update()
            self.step.assign_add(1)
            logs = self.update_logs(loss, logs)
        return logs, (
            _values(scope, self.trainable_variables, trainable),
            _values(scope, self.non_trainable_variables, non_trainable),
            optimizer_state,
            _values(scope, self.metrics_variables, metrics),
        )

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        # What the loss moves, it moves in this scope, which is thrown away.
        with evaluation(), self._with_state(trainable, non_trainable, metrics):
            loss, logs = self.step_loss(self.batch_of(data))
        with self._with_state(trainable, non_trainable, metrics) as scope:
            logs = self.update_logs(loss, logs)
        metrics = _values(scope, self.metrics_variables, metrics)
        return logs, (trainable, non_trainable, metrics)

    def make_views(self, images, *draws):
        return self.views(images, *draws)

    def build_optimizers(self):
        self.optimizer.build(self.trainable_variables)

    def _scaled(self, loss, optimizer_state):
        """As the optimizer scales gradients against underflow, and back."""
        state = zip(self.optimizer.variables, optimizer_state, strict=True)
        with keras.StatelessScope(list(state)):
            return self.optimizer.scale_loss(loss)

    def in_parts(self, function, variables, rows, count):
        """See `tfssl.training.tensorflow.Step.in_parts`."""
        parts = Parts(function, variables, rows, count, jax.numpy.asarray)

        def body(others, number):
            result, others = parts.call(number, parts.learned, others)
            return others, result

        # Nothing of a part is kept for its gradient.
        body = jax.checkpoint(body, prevent_cse=False)
        others, results = jax.lax.scan(
            body, parts.start, jax.numpy.arange(count, dtype="int32")
        )
        parts.move(others)
        return results.astype(parts.dtype)

    def trace(self, function):
        """Goes through a function once, without computing anything."""
        jax.eval_shape(function)

    def _with_state(self, trainable, non_trainable, metrics):
        variables = (
            self.trainable_variables
            + self.non_trainable_variables
            + self.metrics_variables
        )
        values = [*trainable, *non_trainable, *metrics]
        return keras.StatelessScope(list(zip(variables, values, strict=True)))


def _values(scope, variables, before):
    after = (scope.get_current_value(variable) for variable in variables)
    return [old if new is None else new for new, old in zip(after, before, strict=True)]

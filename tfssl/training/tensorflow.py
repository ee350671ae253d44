"""The training step on TensorFlow."""

import keras
import numpy as np
import tensorflow as tf

from tfssl import replicas
from tfssl.layers.fused import hastened
from tfssl.training.collectives import lost_workers, number_collectives
from tfssl.training.images import unpack
from tfssl.training.parts import Parts
from tfssl.training.state import evaluation, gradients_of_held


class Step:
    """Mixin of `tfssl.training.Trainer`: the step on one device or many replicas."""

    # Fused by XLA the views take a fraction of the time, after seconds of compiling.
    xla_views = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        number_collectives(self.distribute_strategy)

    def fit(self, *args, **kwargs):
        self._check_scope()
        with lost_workers():
            return super().fit(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        self._check_scope()
        return super().evaluate(*args, **kwargs)

    @property
    def num_replicas(self):
        """Replicas that share out each batch."""
        return self.distribute_strategy.num_replicas_in_sync

    @property
    def num_shards(self):
        """As `num_replicas`: each has as many images of a batch."""
        return self.num_replicas

    def own_places(self, batch_size):
        strategy = self.distribute_strategy
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return None
        extended = strategy.extended
        return places_of_worker(
            batch_size,
            self.num_replicas,
            extended._num_workers,
            extended._id_in_cluster,
        )

    def means_of_epoch(self, steps, logs):
        strategy = self.distribute_strategy
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return super().means_of_epoch(steps, logs)
        # All workers take part in reading the variables, and one of them saves.
        count = float(steps * self.num_replicas)
        values = {}
        for name, mean in self._means.items():
            values[id(mean.total)] = float(logs[name]) * count
            values[id(mean.count)] = count
        return tuple(values[id(v)] for v in self.metrics_variables)

    def features_now(self, images):
        """What the model gives for images, in inference: `[n, dim]`; compiled once.

        Operation by operation the activations of all layers would stay in memory, as
        they do in training.
        """
        if self.run_eagerly:
            return self(images, training=False)
        if self._compiled_inference is None:
            self._compiled_inference = tf.function(
                lambda images: self(images, training=False), autograph=False
            )
        with hastened():
            return self._compiled_inference(images)

    def train_step(self, data):
        # Data of unknown size end by a failing read inside the step. What does not
        # depend on the data, such as counters, would run all the same.
        with tf.control_dependencies(_tensors(data)):
            batch = self.batch_of(self._of_known_size(data))
            variables = self.learned_variables
            loss, logs = minimize(
                self.optimizer,
                variables,
                lambda: self.step_loss(batch),
                self.held(variables),
            )
            self.after_update()
            self.step.assign_add(1)
            return self._reducible(self.update_logs(loss, logs))

    def test_step(self, data):
        with tf.control_dependencies(_tensors(data)):
            # What the loss moves, it moves in this scope, which is thrown away.
            with evaluation(), keras.StatelessScope():
                loss, logs = self.step_loss(self.batch_of(data))
            return self._reducible(self.update_logs(loss, logs))

    def _of_known_size(self, data):
        """The data, whose number of images is lost on the way to several workers.

        Views and chunks need it while the step is traced.
        """
        images = unpack(data).get("images")
        if images is not None and self.rows_of_replica is not None:
            images.set_shape((self.rows_of_replica, *images.shape[1:]))
        return data

    def _reducible(self, logs):
        if isinstance(
            self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        ):
            # Keras takes the mean over the first axis; a scalar has none.
            return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    def make_views(self, images, *draws):
        if not self.xla_views:
            return self.views(images, *draws)
        if self._compiled_views is None:
            self._compiled_views = tf.function(
                self.views, jit_compile=True, autograph=False
            )
        return self._compiled_views(images, *draws)

    def in_parts(self, function, variables, rows, count):
        """What a function gives for each part of a batch, one after the other.

        Its gradient computes each part once more, so that what one part takes is all
        that is kept at a time.

        Args:
            function, variables, rows, count: see `tfssl.training.parts.Parts`.

        Returns:
            Tensor `[count, ...]`, differentiable in the trainable variables.
        """
        parts = Parts(function, variables, rows, count, tf.convert_to_tensor)

        def run(*learned):
            def forward(number, others, results):
                result, others = parts.call(number, learned, others)
                return number + 1, others, results.write(number, result)

            def backward(upstream):
                def add(number, others, sums):
                    own = [tf.identity(each) for each in learned]
                    with tf.GradientTape() as tape:
                        tape.watch(own)
                        result, others = parts.call(number, own, others)
                    found = tape.gradient(
                        result,
                        own,
                        upstream[number],
                        unconnected_gradients=tf.UnconnectedGradients.ZERO,
                    )
                    sums = [a + b for a, b in zip(sums, found, strict=True)]
                    return number + 1, others, sums

                # In the same order from the same start: the draws are the same.
                zeros = [tf.zeros_like(each) for each in learned]
                return _loop(count, add, parts.start, zeros)[1]

            results = tf.TensorArray("float32", count)
            others, results = _loop(count, forward, parts.start, results)
            return (results.stack(), *others), lambda upstream, *_: backward(upstream)

        if parts.learned:
            run = tf.custom_gradient(run)
            results, *others = run(*parts.learned)
        else:
            (results, *others), _ = run()
        parts.move(others)
        return tf.cast(results, parts.dtype)

    def trace(self, function):
        """Goes through a function once, without computing anything."""
        tf.function(function, autograph=False).get_concrete_function()

    def build_optimizers(self):
        self._check_scope()
        # 1 or a number, or "auto".
        if self.steps_per_execution != 1 and self.num_replicas > 1:
            # https://github.com/keras-team/keras/issues/19246
            raise ValueError(
                "Several steps in one execution fail inside Keras where replicas "
                "share them. Leave out steps_per_execution. Received: "
                f"steps_per_execution={self.steps_per_execution} on "
                f"{self.num_replicas} replicas"
            )
        with self.distribute_strategy.scope():
            self.optimizer.build(self.learned_variables)

    def _check_scope(self):
        """Refuses weights that the replicas do not share."""
        strategy = self.distribute_strategy
        for variable in self.variables:
            if not strategy.extended.variable_created_in_scope(variable.value):
                raise ValueError(
                    "The model, its encoder too, must be made, compiled and fitted in "
                    "the scope of one strategy: with strategy.scope(): encoder = ...; "
                    f"model = ... Received: {self.name} with the weight "
                    f"{variable.path}, made outside the scope of the "
                    f"{type(strategy).__name__} that is used now"
                )

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built in the constructor, and Keras's way of building from a
        # distributed batch fails for several workers.
        pass


def places_of_worker(batch_size, replicas, workers, worker):
    """Places in a batch whose images a worker gets from a set that has no files.

    TensorFlow cuts a batch into a piece for each replica, and deals them out in turn.

    Args:
        batch_size: int, a multiple of the replicas.
        replicas: int, of all workers.
        workers: int.
        worker: int from 0.

    Returns:
        Int array.
    """
    pieces = np.arange(batch_size).reshape(replicas, -1)
    return pieces[worker::workers].ravel()


def minimize(optimizer, variables, loss_of, held=None):
    """One step of an optimizer.

    Args:
        optimizer: built `keras.optimizers.Optimizer`.
        variables: list of those it moves.
        loss_of: function that returns a loss, the mean over this replica's images, and
            a dict of logs.
        held: list, for each variable a bool scalar that says whether it stays as it
            is, or None. Defaults to None for all.

    Returns:
        Loss and logs.
    """
    held = [None] * len(variables) if held is None else held
    with tf.GradientTape() as tape:
        loss, logs = loss_of()
        # The optimizer sums gradients over the replicas.
        scaled = optimizer.scale_loss(loss / replicas.count())
    gradients = tape.gradient(scaled, variables)
    gradients = gradients_of_held(optimizer, held, gradients)
    before = [
        None if now is None else tf.identity(variable.value)
        for variable, now in zip(variables, held, strict=True)
    ]
    optimizer.apply(_clip_after_reduction(optimizer, gradients), variables)
    # Without a gradient they still decay.
    for variable, now, old in zip(variables, held, before, strict=True):
        if now is not None:
            variable.assign(tf.where(now, old, variable.value))
    return loss, logs


def score_and_slope(network, x):
    """Scores of a network, and the mean square of their gradient in `x`.

    Args:
        network: `keras.Model` from `x` to scores.
        x: float tensor `[batch, dim]`.

    Returns:
        Tuple of the scores and a float32 scalar.
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = network(x, training=True)
    slopes = tape.gradient(scores, x)
    return scores, tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=-1))


def _loop(count, body, *values):
    """Values after `count` calls of `body(number, *values)`, one after the other."""
    _, *values = tf.while_loop(
        lambda number, *_: number < count,
        body,
        (tf.constant(0), *values),
        # Several at a time would be in memory together.
        parallel_iterations=1,
        maximum_iterations=count,
    )
    return values


def _tensors(data):
    return [tensor for tensor in tf.nest.flatten(data) if tensor is not None]


def _clip_after_reduction(optimizer, gradients):
    """Gradients whose sum over the replicas is clipped, and the same on each of them.

    Keras clips what each replica has before the sum. And one that scales the loss asks
    the first replica alone whether gradients are finite, for all of them.
    """
    count = replicas.count()
    # One that scales the loss has another inside that moves the weights.
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    clips = (inner.clipnorm, inner.global_clipnorm, inner.clipvalue)
    if count == 1 or not (any(clips) or inner is not optimizer):
        return gradients
    context = tf.distribute.get_replica_context()
    known = [each for each in gradients if each is not None]
    summed = context.all_reduce(tf.distribute.ReduceOp.SUM, known)
    scale = optimizer.scale_loss(1.0)
    # What Keras clips and sums again is below its limit and adds up to this.
    clipped = iter(inner._clip_gradients([g / scale for g in summed]))
    return [None if g is None else next(clipped) * scale / count for g in gradients]

"""The training step on TensorFlow."""

import tensorflow as tf

from tfssl import replicas


class Trainer:
    """Mixin of `tfssl.methods.Method`: the step on one device or many replicas."""

    @property
    def num_replicas(self):
        """Replicas that share out each batch."""
        return self.distribute_strategy.num_replicas_in_sync

    def train_step(self, data):
        # Data of unknown size end by a failing read inside the step. What does not
        # depend on the data, such as counters, would run all the same.
        with tf.control_dependencies(tf.nest.flatten(data)):
            return self._step(data)

    def _step(self, data):
        views = self.views_of(data)
        variables = self.learned_variables
        with tf.GradientTape() as tape:
            loss, logs = self.views_loss(views)
            # The optimizer sums gradients over the replicas.
            scaled = self.optimizer.scale_loss(loss / replicas.count())
        gradients = tape.gradient(scaled, variables)
        optimizer = self.optimizer
        optimizer.apply(_clip_after_reduction(optimizer, gradients), variables)
        self.after_update()
        self.step.assign_add(1)
        logs = self.update_logs(loss, logs)
        if isinstance(
            self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        ):
            # Keras takes the mean over the first axis; a scalar has none.
            logs = {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    def train_adversary(self, loss_of):
        """One step of the adversary.

        Args:
            loss_of: function without arguments that returns the adversary's loss, a
                scalar, the mean over this replica's images.

        Returns:
            The loss.
        """
        optimizer, variables = (
            self.adversary_optimizer,
            self.adversary.trainable_variables,
        )
        with tf.GradientTape() as tape:
            loss = loss_of()
            scaled = optimizer.scale_loss(loss / replicas.count())
        gradients = tape.gradient(scaled, variables)
        optimizer.apply(_clip_after_reduction(optimizer, gradients), variables)
        return tf.stop_gradient(loss)

    def make_views(self, images, key):
        # Fused by XLA the views take a fraction of the time. The function is built
        # lazily: it must not be part of the saved or copied state.
        if self._compiled_views is None:
            self._compiled_views = tf.function(self.views, jit_compile=True)
        return self._compiled_views(images, key)

    def build_optimizers(self):
        with self.distribute_strategy.scope():
            self.optimizer.build(self.learned_variables)
            if self.adversary is not None:
                self.adversary_optimizer.build(self.adversary.trainable_variables)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built in the constructor, and Keras's way of building from a
        # distributed batch fails for several workers.
        pass


def _clip_after_reduction(optimizer, gradients):
    """Keras clips what each replica has before the sum; clip the sum instead."""
    count = replicas.count()
    clips = (optimizer.clipnorm, optimizer.global_clipnorm, optimizer.clipvalue)
    if count == 1 or not any(clips):
        return gradients
    context = tf.distribute.get_replica_context()
    summed = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    # What Keras clips and sums again is below its limit and adds up to this.
    return [g / count for g in optimizer._clip_gradients(summed)]

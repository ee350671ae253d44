"""Networks that are the exponential moving average of others."""

import keras
from keras import ops

from tfssl.layers.encode import features_of
from tfssl.layers.pooling import pooled


def frozen_copy(model, name):
    """A copy of a network that no gradient reaches.

    Args:
        model: built `keras.Model`.
        name: string, of the copy.

    Returns:
        `keras.Model` with the same weights and `trainable = False` on its variables.
        Called with `training=True` its normalisation uses and moves the statistics of
        its own batches, as in MoCo and BYOL, and it leaves no block out, as in DINO,
        be it ours or one of Keras: `StochasticDepth`, or a `Dropout` that drops a
        branch for whole images. Other dropout is that of training.

    Example:
        >>> import tfssl
        >>> head = tfssl.heads.projection_head(8, (4,))
        >>> copy = tfssl.layers.frozen_copy(head, "copy")
        >>> len(copy.trainable_variables), len(copy.weights) == len(head.weights)
        (0, True)
    """
    copy = type(model).from_config(model.get_config())
    copy.name = name
    copy.set_weights(model.get_weights())
    # Not `copy.trainable = False`: a frozen BatchNormalization would use its moving
    # statistics, and the papers' teachers normalise with their batch.
    for variable in copy.trainable_variables:
        variable.trainable = False
    for layer in copy._flatten_layers():
        if hasattr(layer, "keeps_all"):
            layer.keeps_all = True
        elif _leaves_blocks_out(layer):
            _stop_dropping(layer)
    return copy


def _leaves_blocks_out(layer):
    """Whether it is a layer of Keras that leaves out a branch for whole images."""
    noise = getattr(layer, "noise_shape", None) or ()
    whole = len(noise) > 1 and all(side == 1 for side in noise[1:])
    # A block that has such layers may have a rate too, but has weights.
    return whole or (hasattr(layer, "drop_path_rate") and not layer.weights)


def _stop_dropping(layer):
    call = layer.call

    def in_inference(*args, training=None, **kwargs):
        return call(*args, training=False, **kwargs)

    # Its rate stays, which is part of what is saved and published.
    layer.call = in_inference


class Teacher(keras.layers.Layer):
    """The exponential moving average of an encoder and of what comes after it.

        teacher <- momentum teacher + (1 - momentum) student

    Trainable weights move. The statistics of normalisation stay: each network keeps
    those of its own batches.

    Args:
        *networks: built `keras.Model`s, each taking what the one before gives: an
            encoder and its projector. A feature map is average-pooled on its way.
        name: string.

    Call arguments:
        x: what the first network takes.
        training: bool, whether normalisation uses its batch. Defaults to True.

    Returns:
        What the last network gives, pooled if it is a map. It takes no gradient.

    Example:
        >>> import keras, tfssl
        >>> head = tfssl.heads.projection_head(2, (1,), final_norm=False)
        >>> teacher = tfssl.layers.Teacher(head)
        >>> head.set_weights([w + 1 for w in head.get_weights()])
        >>> teacher.update(momentum=0.75)
        >>> moved = teacher.weights[0] - (head.weights[0] - 1)
        >>> [round(float(m), 4) for m in keras.ops.reshape(moved, (-1,))]
        [0.25, 0.25]

    Source: Tarvainen and Valpola 2017, arXiv 1703.01780, equation 1.
    """

    def __init__(self, *networks, name="teacher"):
        # Each network casts for itself.
        super().__init__(name=name, autocast=False)
        self.networks = [
            frozen_copy(network, f"{name}_{number}")
            for number, network in enumerate(networks)
        ]
        # In a function: as an attribute Keras would count the students as parts.
        self._students = lambda: networks
        self.built = True

    def call(self, x, training=True):
        encoder, *heads = self.networks
        x = features_of(encoder, x, training=training)
        for network in heads:
            x = pooled(network(x, training=training))
        return ops.stop_gradient(x)

    def update(self, momentum):
        """Takes one step towards the students.

        Args:
            momentum: float or scalar tensor in [0, 1].
        """
        for copy, student in zip(self.networks, self._students(), strict=True):
            for target, source in zip(copy.weights, student.weights, strict=True):
                if source.trainable:
                    target.assign(momentum * target + (1.0 - momentum) * source)

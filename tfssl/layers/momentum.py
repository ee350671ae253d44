"""Networks that follow another one slowly."""


def momentum_copy(model, name):
    """A copy of a network that no gradient reaches.

    Args:
        model: built `keras.Model`.
        name: string, of the copy.

    Returns:
        `keras.Model` with the same weights and `trainable = False` on its variables.
        Called with `training=True` its normalisation uses and moves the statistics of
        its own batches, as in MoCo and BYOL.

    Example:
        >>> import tfssl
        >>> head = tfssl.layers.projection_head(8, (4,))
        >>> copy = tfssl.layers.momentum_copy(head, "teacher")
        >>> len(copy.trainable_variables), len(copy.weights) == len(head.weights)
        (0, True)
    """
    copy = type(model).from_config(model.get_config())
    copy.name = name
    copy.set_weights(model.get_weights())
    # Not `copy.trainable = False`: a frozen BatchNormalization would use its moving
    # statistics, and the papers' key networks normalise with their batch.
    for variable in copy.trainable_variables:
        variable.trainable = False
    return copy


def follow(copy, model, momentum):
    """Moves a copy towards its model: `copy <- momentum copy + (1 - momentum) model`.

    Trainable weights move. Moving statistics stay: each network keeps those of its own
    batches.

    Args:
        copy: `keras.Model` of `momentum_copy`.
        model: the `keras.Model` it was made from.
        momentum: float or scalar tensor in [0, 1].

    Example:
        >>> import keras, tfssl
        >>> head = tfssl.layers.projection_head(2, (1,), final_norm=False)
        >>> copy = tfssl.layers.momentum_copy(head, "teacher")
        >>> head.set_weights([w + 1 for w in head.get_weights()])
        >>> tfssl.layers.follow(copy, head, momentum=0.75)
        >>> moved = copy.weights[0] - (head.weights[0] - 1)
        >>> [round(float(m), 4) for m in keras.ops.reshape(moved, (-1,))]
        [0.25, 0.25]
    """
    for target, source in zip(copy.weights, model.weights, strict=True):
        if source.trainable:
            target.assign(momentum * target + (1.0 - momentum) * source)

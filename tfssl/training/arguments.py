"""What `fit` is told besides the images: refused by name before work starts."""

import keras

from tfssl.checks import check_count


def check_given(**counts):
    """Refuses what is neither a whole number from 1 nor None.

    Args:
        **counts: the arguments by their names.

    Raises:
        ValueError: naming the first that is refused.

    Example:
        >>> from tfssl.training.arguments import check_given
        >>> check_given(batch_size=256, validation_steps=None)
    """
    check_count(**{name: count for name, count in counts.items() if count is not None})


def refuse_weights(name, **weights):
    """Refuses weights of classes or images, which take labels.

    Args:
        name: string, of the model.
        **weights: the arguments by their names.

    Raises:
        ValueError: naming the first that is not None.
    """
    for argument, value in weights.items():
        if value is not None:
            raise ValueError(
                f"{name} learns without labels; leave {argument} out. Received: "
                f"{argument}={value!r}"
            )


def refuse_loss(name, **given):
    """Refuses what compares with labels.

    Args:
        name: string, of the model.
        **given: the arguments by their names.

    Raises:
        ValueError: naming the first that is not None.
    """
    for argument, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name} has a loss of its own, and no labels to compare with. Leave "
                "out the argument; to measure the features while it trains, give fit a "
                f"tfssl.transfer.KNNCallback. Received: {argument}={value!r}"
            )


def listed(callbacks):
    """A new list of callbacks, checked before the first epoch calls one.

    Args:
        callbacks: list or tuple of `keras.callbacks.Callback`, or None.

    Returns:
        List.

    Raises:
        ValueError: for anything else.
    """
    callbacks = [] if callbacks is None else callbacks
    expected = keras.callbacks.Callback
    if not isinstance(callbacks, (list, tuple)) or not all(
        isinstance(callback, expected) for callback in callbacks
    ):
        raise ValueError(
            "callbacks must be a list of keras.callbacks.Callback, such as "
            f"callbacks=[tfssl.training.HealthCheck()]. Received: {callbacks!r}"
        )
    return list(callbacks)

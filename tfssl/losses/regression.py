"""Regression of one embedding on another."""

from keras import ops

from tfssl.losses.classification import l2_normalize


def cosine_distance(predictions, targets):
    """Mean squared distance of unit vectors, `2 - 2 cos`.

    Args:
        predictions, targets: float tensors `[batch, dim]`; row i of both is image i.
            The targets take no gradient.

    Returns:
        float32 scalar in [0, 4], the mean over this replica's images: 0 for parallel
        vectors, 2 for orthogonal and 4 for opposite ones.

    Example:
        >>> from tfssl import losses
        >>> x, y = keras.ops.array([[2.0, 0.0]]), keras.ops.array([[0.0, 3.0]])
        >>> round(float(losses.cosine_distance(x, y)), 4)
        2.0

    Source: Grill et al. 2020, arXiv 2006.07733, equation 2.
    """
    targets = ops.stop_gradient(l2_normalize(targets))
    cosines = ops.sum(l2_normalize(predictions) * targets, axis=-1)
    return ops.mean(2.0 - 2.0 * cosines)


def smooth_l1(predictions, targets):
    """Half the square of a difference up to 1, and the difference less a half beyond.

    Args:
        predictions, targets: float tensors of one shape. The targets take no gradient.

    Returns:
        float32 tensor of this shape.

    Example:
        >>> from tfssl import losses
        >>> errors = losses.smooth_l1(keras.ops.array([0.5, 3.0]), keras.ops.zeros(2))
        >>> keras.ops.convert_to_numpy(errors).tolist()
        [0.125, 2.5]

    Source: Girshick 2015, arXiv 1504.08083, equation 3.
    """
    predictions, targets = (ops.cast(x, "float32") for x in (predictions, targets))
    distance = ops.abs(predictions - ops.stop_gradient(targets))
    return ops.where(distance < 1.0, 0.5 * ops.square(distance), distance - 0.5)

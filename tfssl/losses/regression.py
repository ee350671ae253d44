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

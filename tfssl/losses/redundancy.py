"""Losses on the covariance of embeddings: each number varies and tells something new.

They are of the batch of all replicas.
"""

from keras import ops

from tfssl import replicas

_EPSILON = 1e-5
_VARIANCE_EPSILON = 1e-4


def barlow_twins(z_1, z_2, off_diagonal_weight=0.0051):
    """The cross-correlation matrix of two views against the identity.

        C = correlation of the numbers of z_1 with those of z_2     [dim, dim]
        loss = sum (C_ii - 1)^2 + weight sum_{i != j} C_ij^2

    Args:
        z_1, z_2: float tensors `[batch, dim]`; row i of both is image i.
        off_diagonal_weight: float. Defaults to 0.0051.

    Returns:
        Tuple of the loss and of the mean of the diagonal, float32 scalars.

    Raises:
        ValueError: for a batch of one image.

    Example:
        >>> import keras
        >>> from tfssl import losses
        >>> z = keras.ops.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> round(float(losses.barlow_twins(z, z)[0]), 4)
        0.0

    Source: Zbontar et al. 2021, arXiv 2103.03230, equation 1.
    """
    # Each number is standardized by itself, and replicas wait for each other once.
    z_1, z_2 = ops.split(
        _standardized(ops.concatenate([z_1, z_2], axis=-1)), 2, axis=-1
    )
    count = ops.cast(ops.shape(z_1)[0], "float32")
    correlation = ops.matmul(ops.transpose(z_1), z_2) / count
    diagonal = ops.diagonal(correlation)
    off_diagonal = ops.sum(ops.square(correlation)) - ops.sum(ops.square(diagonal))
    loss = ops.sum(ops.square(diagonal - 1.0)) + off_diagonal_weight * off_diagonal
    return loss, ops.mean(diagonal)


def _standardized(z):
    z = _of_all_replicas(z)
    mean, variance = ops.moments(z, axes=0)
    return (z - mean) * ops.rsqrt(variance + _EPSILON)


def _of_all_replicas(z):
    z = replicas.gather(ops.cast(z, "float32"))
    if z.shape[0] == 1:
        raise ValueError(
            "The variance over a batch needs two images at least. Received: 1 image"
        )
    return z


def variance_hinge(z):
    """How far the standard deviation of each number is below 1.

    Args:
        z: float tensor `[batch, dim]`.

    Returns:
        float32 scalar in [0, 1], the mean over the numbers.

    Raises:
        ValueError: for a batch of one image.

    Example:
        >>> import keras
        >>> from tfssl import losses
        >>> round(float(losses.variance_hinge(keras.ops.ones((4, 8)))), 4)
        0.99

    Source: Bardes et al. 2021, arXiv 2105.04906, equation 1.
    """
    return variance_and_covariance(z)[0]


def covariance(z):
    """How much the numbers of an embedding say the same.

    Args:
        z: float tensor `[batch, dim]`.

    Returns:
        float32 scalar: the sum of the squared covariances of different numbers, divided
        by `dim`.

    Raises:
        ValueError: for a batch of one image.

    Example:
        >>> import keras
        >>> from tfssl import losses
        >>> same = keras.ops.array([[1.0, 1.0], [-1.0, -1.0]])
        >>> float(losses.covariance(same))  # (2^2 + 2^2) / 2
        4.0

    Source: Bardes et al. 2021, arXiv 2105.04906, equations 3 and 4.
    """
    return variance_and_covariance(z)[1]


def variance_and_covariance(z):
    """`variance_hinge` and `covariance`, for which replicas wait for each other once.

    Args:
        z: float tensor `[batch, dim]`.

    Returns:
        Pair of float32 scalars.

    Raises:
        ValueError: for a batch of one image.

    Example:
        >>> import keras
        >>> from tfssl import losses
        >>> same = keras.ops.array([[1.0, 1.0], [-1.0, -1.0]])
        >>> [float(value) for value in losses.variance_and_covariance(same)]
        [0.0, 4.0]

    Source: Bardes et al. 2021, arXiv 2105.04906, equations 1, 3 and 4.
    """
    z = _of_all_replicas(z)
    degrees = ops.cast(ops.shape(z)[0], "float32") - 1.0
    centred = z - ops.mean(z, axis=0)
    variance = ops.sum(ops.square(centred), axis=0) / degrees
    # A bare square root would have an infinite gradient at zero.
    deviation = ops.sqrt(variance + _VARIANCE_EPSILON)
    hinge = ops.mean(ops.relu(1.0 - deviation))
    matrix = ops.matmul(ops.transpose(centred), centred) / degrees
    squares = ops.sum(ops.square(matrix)) - ops.sum(ops.square(ops.diagonal(matrix)))
    return hinge, squares / z.shape[-1]

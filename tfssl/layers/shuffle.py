"""A batch in another order, over all replicas."""

from keras import ops

from tfssl import replicas


def shuffled(function, rows, numbers):
    """Applies a function to a batch in another order, and puts the results in order.

    The order is over the batches of all replicas, so that each replica's batch, and
    each group of `SplitBatchNormalization`, is made of rows of others.

    Args:
        function: from a tensor `[batch, ...]` to a tensor `[batch, ...]`.
        rows: tensor `[batch, ...]`.
        numbers: float tensor `[batch]`, random; the order is that of all replicas'.

    Returns:
        Tensor `[batch, ...]`: of each row what the function made of it. It takes no
        gradient.

    Example:
        >>> import keras, tfssl
        >>> rows = keras.ops.arange(4)
        >>> numbers = keras.ops.array([0.3, 0.1, 0.4, 0.2])
        >>> same = tfssl.layers.shuffled(lambda x: x, rows, numbers)
        >>> keras.ops.convert_to_numpy(same).tolist()
        [0, 1, 2, 3]

    Source: He et al. 2019, arXiv 1911.05722, section 3.3 (Shuffling BN).
    """
    order = ops.argsort(replicas.gather(numbers))
    mine = ops.take(replicas.gather(rows), replicas.own(order), axis=0)
    results = replicas.gather(function(mine))
    back = replicas.own(ops.argsort(order))
    return ops.stop_gradient(ops.take(results, back, axis=0))

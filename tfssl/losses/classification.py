"""Softmax classification: what contrastive losses are made of."""

from keras import ops

from tfssl import replicas


def l2_normalize(x):
    """Rows of `x` at length 1, in float32; a zero row stays zero.

    Args:
        x: float tensor `[..., dim]`.

    Returns:
        float32 tensor of the same shape.

    Example:
        >>> from tfssl import losses
        >>> losses.l2_normalize(keras.ops.array([[3.0, 4.0]])).shape[1]
        2
    """
    x = ops.cast(x, "float32")
    # A bare square root would have a NaN gradient at zero.
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, 1e-12))


def cross_entropy(logits, labels):
    """Mean softmax cross-entropy.

    Args:
        logits: float tensor `[rows, classes]`.
        labels: integer tensor `[rows]`.

    Returns:
        float32 scalar.
    """
    logits = ops.cast(logits, "float32")
    return ops.mean(
        ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    )


def labelled_cross_entropy(logits, labels):
    """Mean softmax cross-entropy of the rows that have a label; 0 if none has.

    The mean is over the labelled rows of all replicas, which need not have equally
    many of them.

    Args:
        logits: float tensor `[rows, classes]`.
        labels: integer tensor `[rows]`, -1 for rows without a label.

    Returns:
        float32 scalar; its mean over the replicas is that of one device.

    Example:
        >>> from tfssl import losses
        >>> labels = keras.ops.array([1, -1, -1])
        >>> round(
        ...     float(losses.labelled_cross_entropy(keras.ops.zeros((3, 2)), labels)), 4
        ... )
        0.6931
    """
    known = ops.cast(labels >= 0, "float32")
    each = ops.sparse_categorical_crossentropy(
        ops.maximum(labels, 0), ops.cast(logits, "float32"), from_logits=True
    )
    count = ops.maximum(replicas.mean(ops.sum(known)), 1.0 / replicas.count())
    return ops.sum(known * each) / count


def accuracy(logits, labels):
    """Fraction of rows whose logit at the label is above all others; a tie is a miss.

    Args:
        logits: float tensor `[rows, classes]`.
        labels: int32 tensor `[rows]`.

    Returns:
        float32 scalar.

    Example:
        >>> from tfssl import losses
        >>> logits = keras.ops.array([[2.0, 1.0], [2.0, 1.0]])
        >>> float(losses.accuracy(logits, keras.ops.array([0, 1], "int32")))
        0.5
    """
    first = ops.cast(ops.argmax(logits, axis=-1), "int32")
    # Equal embeddings, as of a collapsed network, find nothing.
    largest = ops.equal(logits, ops.max(logits, axis=-1, keepdims=True))
    alone = ops.sum(ops.cast(largest, "int32"), axis=-1) == 1
    hits = ops.logical_and(ops.equal(first, labels), alone)
    return ops.mean(ops.cast(hits, "float32"))

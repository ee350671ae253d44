"""Losses: pure functions of embeddings, computed in float32.

A loss that looks across the batch looks across the batches of all replicas: each
replica contrasts its own rows with everybody's. The mean over the replicas is then
what one device computes on the whole batch.
"""

from keras import ops

from tfssl import replicas

_MASKED = -1e9


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


def accuracy(logits, labels):
    """Share of rows whose largest logit is at the label.

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
    hits = ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), labels)
    return ops.mean(ops.cast(hits, "float32"))


def nt_xent_logits(z_a, z_b, temperature=0.5):
    """Similarities behind `nt_xent`: each embedding against all others.

    Args:
        z_a, z_b: float tensors `[batch, dim]`; row i of both is image i.
        temperature: divides the cosine similarities. Defaults to 0.5.

    Returns:
        Tuple of `logits`, float32 `[2 * batch, 2 * N]` with N images over all
        replicas, and `positives`, int32 `[2 * batch]`, the column of each row's
        other view. The column of the row itself is masked.
    """
    z_a, z_b = l2_normalize(z_a), l2_normalize(z_b)
    all_a, all_b = replicas.gather(z_a), replicas.gather(z_b)
    batch, total = ops.shape(z_a)[0], ops.shape(all_a)[0]
    own = replicas.places(batch)
    itself = _MASKED * ops.one_hot(own, total, dtype="float32")

    def similarity(x, y):
        return ops.matmul(x, ops.transpose(y)) / temperature

    from_a = ops.concatenate(
        [similarity(z_a, all_b), similarity(z_a, all_a) + itself], axis=1
    )
    from_b = ops.concatenate(
        [similarity(z_b, all_a), similarity(z_b, all_b) + itself], axis=1
    )
    return ops.concatenate([from_a, from_b]), ops.concatenate([own, own])


def nt_xent(z_a, z_b, temperature=0.5):
    """Normalised temperature-scaled cross-entropy of SimCLR.

    The mean over 2N anchors. Each anchor picks the other view of its image among the
    2N - 1 other embeddings. (The authors' code returns twice this value.)

    Args:
        z_a, z_b: float tensors `[batch, dim]`; row i of both is image i. They need
            not be normalised.
        temperature: divides the cosine similarities. Defaults to 0.5.

    Returns:
        float32 scalar, the mean over this replica's anchors.

    Example:
        >>> from tfssl import losses
        >>> z = keras.ops.ones((4, 16))
        >>> round(float(losses.nt_xent(z, z)), 4)  # log(2 * 4 - 1)
        1.9459

    Source: Chen et al. 2020, arXiv 2002.05709, equation 1.
    """
    return cross_entropy(*nt_xent_logits(z_a, z_b, temperature))


def queue_logits(query, key, queue, temperature=0.2):
    """Similarities of queries with their key, and with a queue of other keys.

    Args:
        query, key: float tensors `[batch, dim]`; row i of both is image i.
        queue: float tensor `[size, dim]` of rows of length 1.
        temperature: divides the cosine similarities. Defaults to 0.2.

    Returns:
        float32 `[batch, 1 + size]`; the key is in column 0. Key and queue take no
        gradient.

    Example:
        >>> from tfssl import losses
        >>> rows = keras.ops.eye(8)
        >>> losses.queue_logits(rows[:2], rows[:2], rows[2:]).shape[1]
        7

    Source: He et al. 2019, arXiv 1911.05722, algorithm 1.
    """
    query = l2_normalize(query)
    key = ops.stop_gradient(l2_normalize(key))
    queue = ops.stop_gradient(ops.convert_to_tensor(queue))
    positive = ops.sum(query * key, axis=1, keepdims=True)
    negatives = ops.matmul(query, ops.transpose(queue))
    return ops.concatenate([positive, negatives], axis=1) / temperature


__all__ = [
    "accuracy",
    "cross_entropy",
    "l2_normalize",
    "nt_xent",
    "nt_xent_logits",
    "queue_logits",
]

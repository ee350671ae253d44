"""Contrastive losses: each row finds its partner among others.

The `*_logits` functions give the logits and, where they vary, the positions of the
partners; `cross_entropy` makes a loss of both, `accuracy` a number to log.
"""

from keras import ops

from tfssl import replicas
from tfssl.losses.classification import cross_entropy, l2_normalize

_MASKED = -1e9
_EPSILON = 1e-7


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
    all_a, all_b = ops.split(replicas.gather(ops.concatenate([z_a, z_b], 1)), 2, 1)
    batch, total = ops.shape(z_a)[0], ops.shape(all_a)[0]
    own = replicas.positions(batch)
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


def batch_logits(queries, keys, temperature):
    """Similarities of each query with the keys of the whole batch.

    Args:
        queries, keys: float tensors `[batch, dim]`; row i of both is image i.
        temperature: divides the similarities.

    Returns:
        Tuple of `logits`, float32 `[batch, N]` with N images over all replicas, and
        `positives`, int32 `[batch]`, the column of each query's own key.

    Example:
        >>> from tfssl import losses
        >>> logits, positives = losses.batch_logits(
        ...     keras.ops.eye(4), keras.ops.eye(4), temperature=0.5
        ... )
        >>> keras.ops.convert_to_numpy(positives).tolist()
        [0, 1, 2, 3]

    Source: van den Oord et al. 2018, arXiv 1807.03748, equation 4, with in-batch
    negatives.
    """
    keys, positives = candidates(ops.cast(keys, "float32"))
    queries = ops.cast(queries, "float32")
    return ops.matmul(queries, ops.transpose(keys)) / temperature, positives


def candidates(rows):
    """The rows of all replicas, and where among them this replica's own are.

    Args:
        rows: tensor `[n, ...]` of this replica.

    Returns:
        Tuple of a tensor `[n * replicas, ...]` and int32 positions `[n]`.

    Example:
        >>> from tfssl import losses
        >>> rows, own = losses.candidates(keras.ops.ones((3, 8)))
        >>> keras.ops.convert_to_numpy(own).tolist()
        [0, 1, 2]
    """
    return replicas.gather(rows), replicas.positions(ops.shape(rows)[0])


def bank_logits(queries, bank, rows, temperature):
    """Similarities of each query with chosen rows of a memory bank.

    Args:
        queries: float32 tensor `[batch, dim]`.
        bank: float32 tensor `[images, dim]`, one row an image; it takes no gradient.
        rows: int32 tensor `[batch, k]`, the rows for each query; the first is that of
            its own image.
        temperature: divides the similarities.

    Returns:
        float32 tensor `[batch, k]`.

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.2.
    """
    stored = ops.take(ops.stop_gradient(ops.convert_to_tensor(bank)), rows, axis=0)
    return ops.einsum("bd,bkd->bk", queries, stored) / temperature


def nce(probabilities, num_images):
    """Noise-contrastive estimation: which row is the image's own, which is noise.

    Args:
        probabilities: float32 `[batch, 1 + negatives]`, of the own row and the drawn.
        num_images: int, images that the noise draws from.

    Returns:
        float32 scalar, the mean over the batch of the sum over the rows.

    Example:
        >>> from tfssl import losses
        >>> p = keras.ops.full((2, 1 + 4096), 1 / 50_000)
        >>> round(float(losses.nce(p, 50_000)), 2)
        9.32

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.2.
    """
    noise = (probabilities.shape[1] - 1) / num_images
    total = probabilities + noise + _EPSILON
    own = ops.log(probabilities[:, 0] / total[:, 0])
    drawn = ops.sum(ops.log(noise / total[:, 1:]), axis=1)
    return -ops.mean(own + drawn)

"""Estimators of mutual information, of scores between local and global features.

Scores T are `[images m, positions l, features n]`, with `same` `[m, n]`, 1 where the
positions of image m and features n belong together.
"""

import math

from keras import ops

from tfssl import replicas

_EXCLUDED = -1e9


def pair_scores(local, features):
    """Scores of the positions of all images with this replica's features.

    Args:
        local: float tensor `[batch, positions, dim]`; those of all replicas are taken.
        features: float tensor `[batch, dim]`; row i of both is image i.

    Returns:
        Tuple of `scores`, float32 `[N, positions, batch]` with N images over all
        replicas, and `same`, float32 `[N, batch]`.

    Raises:
        ValueError: for a batch of one image, which there is nothing to tell from.

    Example:
        >>> from tfssl import losses
        >>> scores, same = losses.pair_scores(
        ...     keras.ops.ones((4, 9, 8)), keras.ops.ones((4, 8))
        ... )
        >>> tuple(scores.shape), tuple(same.shape)
        ((4, 9, 4), (4, 4))
    """
    everywhere = replicas.gather(ops.cast(local, "float32"))
    if everywhere.shape[0] == 1:
        raise ValueError(
            "Mutual information is estimated from several images: one of them is told "
            "from the others. Received: a batch of 1"
        )
    scores = ops.einsum("mlu,nu->mln", everywhere, ops.cast(features, "float32"))
    own = replicas.positions(ops.shape(features)[0])
    same = ops.one_hot(own, ops.shape(everywhere)[0], dtype="float32")
    return scores, ops.transpose(same)


def infonce(scores, same):
    """Each position finds its image's features among those with other images.

    Args:
        scores: float32 `[images, positions, batch]`.
        same: float32 `[images, batch]`, 1 where both are of one image.

    Returns:
        float32 scalar. Other positions of the same image are no negatives.

    Source: Hjelm et al. 2018, arXiv 1808.06670, equation 5.
    """
    positives = ops.einsum("mln,mn->nl", scores, same)
    others = ops.where(same[:, None, :] > 0, _EXCLUDED, scores)
    negatives = ops.logsumexp(others, axis=(0, 1))[:, None]
    return ops.mean(ops.logaddexp(positives, negatives) - positives)


def jensen_shannon(scores, same):
    """A classifier of pairs, 0 for scores of 0. Arguments as `infonce`.

    Source: Hjelm et al. 2018, arXiv 1808.06670, equation 4.
    """
    of_positives = math.log(2.0) - ops.softplus(-scores)
    of_negatives = ops.softplus(scores) - math.log(2.0)
    positions = scores.shape[1]
    same = same[:, None, :]
    positives = ops.sum(of_positives * same) / (ops.sum(same) * positions)
    negatives = ops.sum(of_negatives * (1.0 - same)) / (ops.sum(1.0 - same) * positions)
    return negatives - positives


def donsker_varadhan(scores, same):
    """The log-mean-exp of the other scores less the mean score. As `infonce`.

    Source: Hjelm et al. 2018, arXiv 1808.06670, equation 2.
    """
    positions = scores.shape[1]
    positives = ops.sum(scores * same[:, None, :]) / (ops.sum(same) * positions)
    others = ops.where(same[:, None, :] > 0, _EXCLUDED, scores)
    # Of all replicas: the mean is inside the logarithm.
    total = ops.logsumexp(replicas.gather(ops.logsumexp(others)[None]))
    count = ops.sum(1.0 - same) * positions * replicas.count()
    return total - ops.log(count) - positives

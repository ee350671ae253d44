"""Clusters as targets: what one view says of an image is predicted from the others."""

from keras import ops

from tfssl import replicas

_LEFT_OUT = -1e9


def sinkhorn(scores, epsilon=0.05, iterations=3, past=None, use_past=True):
    """Soft assignments of images to prototypes that use all prototypes equally.

        code = exp(scores / epsilon)
        repeat: code / (sum over images), code / (sum over prototypes)

    The images are those of all replicas. It is computed with logarithms, so that no
    score is too large. (The authors also divide by the numbers of prototypes and of
    images, which cancels.)

    Args:
        scores: float tensor `[batch, prototypes]`; it takes no gradient.
        epsilon: float above 0; the smaller it is, the harder are the assignments.
            Defaults to 0.05.
        iterations: int. Defaults to 3.
        past: float tensor `[rows, prototypes]`, scores of earlier images, the same on
            all replicas, which are shared out with the others. Defaults to None.
        use_past: bool, or bool scalar tensor, whether they are. Defaults to True.

    Returns:
        float32 tensor `[batch, prototypes]`; each row adds up to 1.

    Example:
        >>> from tfssl import losses
        >>> code = losses.sinkhorn(keras.ops.array([[0.9, 0.1], [0.8, 0.2]]))
        >>> [round(float(x)) for x in code[:, 0]]  # one image for each
        [1, 0]

    Source: Caron et al. 2020, arXiv 2006.09882, section 3.1; Cuturi 2013, arXiv
    1306.0895.
    """
    code = ops.stop_gradient(ops.cast(scores, "float32")) / epsilon
    if past is not None:
        past = ops.stop_gradient(ops.cast(past, "float32")) / epsilon
        weight = ops.where(use_past, 0.0, _LEFT_OUT)
    for _ in range(iterations):
        # What each prototype has of all images.
        masses = replicas.gather(ops.logsumexp(code, axis=0)[None])
        if past is not None:
            of_past = ops.logsumexp(past, axis=0)[None] + weight
            masses = ops.concatenate([masses, of_past])
        mass = ops.logsumexp(masses, axis=0)
        code = ops.log_softmax(code - mass)
        past = None if past is None else ops.log_softmax(past - mass)
    return ops.exp(code)


def swapped_prediction(targets, logits):
    """What some of the views say of an image, predicted from each of its other views.

    Args:
        targets: list of float tensors `[batch, prototypes]`, probabilities from the
            first views; they take no gradient.
        logits: list of float tensors `[batch, prototypes]`, of all views, in the same
            order.

    Returns:
        float32 scalar: the cross-entropy, mean over the images of this replica and over
        all pairs of a target and another view.

    Raises:
        ValueError: if there is no such pair.

    Example:
        >>> from tfssl import losses
        >>> same = keras.ops.full((4, 3000), 1 / 3000)
        >>> logits = keras.ops.zeros((4, 3000))
        >>> round(float(losses.swapped_prediction([same] * 2, [logits] * 8)), 4)
        8.0064

    Source: Caron et al. 2020, arXiv 2006.09882, equations 1 and 6; Caron et al. 2021,
    arXiv 2104.14294, equation 3.
    """
    if len(logits) < 2 or not targets:
        raise ValueError(
            "A prediction takes a target and another view. Received: "
            f"{len(targets)} targets and {len(logits)} views"
        )
    targets = [ops.stop_gradient(ops.cast(target, "float32")) for target in targets]
    predictions = [ops.log_softmax(ops.cast(x, "float32")) for x in logits]
    pairs = [
        -ops.mean(ops.sum(target * prediction, axis=-1))
        for number, target in enumerate(targets)
        for other, prediction in enumerate(predictions)
        if other != number
    ]
    return sum(pairs) / len(pairs)


def entropy(probabilities):
    """Entropy of distributions, in nats.

    Args:
        probabilities: float tensor `[..., classes]`; zeros are allowed.

    Returns:
        float32 tensor `[...]`, from 0 for a single class to `log(classes)`.

    Example:
        >>> from tfssl import losses
        >>> round(float(losses.entropy(keras.ops.array([0.5, 0.5, 0.0]))), 4)
        0.6931
    """
    p = ops.cast(probabilities, "float32")
    return -ops.sum(p * ops.log(ops.maximum(p, 1e-30)), axis=-1)


def perplexity(probabilities):
    """How many classes are used, by the mean over the images of all replicas.

    Args:
        probabilities: float tensor `[batch, classes]`.

    Returns:
        float32 scalar, from 1 to the number of classes.

    Example:
        >>> from tfssl import losses
        >>> round(float(losses.perplexity(keras.ops.eye(4, 10))), 4)
        4.0
    """
    return ops.exp(entropy(batch_mean(ops.cast(probabilities, "float32"))))


def batch_mean(rows):
    """The mean of the rows of all replicas.

    Args:
        rows: float tensor `[batch, dim]` of this replica.

    Returns:
        Tensor `[dim]`, the same on all replicas.

    Example:
        >>> from tfssl import losses
        >>> float(losses.batch_mean(keras.ops.array([[1.0], [2.0]]))[0])
        1.5
    """
    return replicas.mean(ops.mean(rows, axis=0))

"""Which images a page shows, and what their features say of them."""

import numpy as np


def sample(labels, count, most, seed=0):
    """A random sample of all classes, equally many of each while they last.

    The classes take turns, so that the first images are of different ones.

    Args:
        labels: integer array `[count]`, or None for images without labels.
        count: int, images to choose from.
        most: int, images to choose at most.
        seed: int. Defaults to 0.

    Returns:
        Integer array of at most `most` positions.

    Example:
        >>> import numpy as np
        >>> from tfssl.pages.samples import sample
        >>> labels = np.repeat([0, 1, 2], [90, 5, 5])
        >>> sorted(labels[sample(labels, 100, most=6)].tolist())
        [0, 0, 1, 1, 2, 2]
    """
    order = np.random.default_rng(seed).permutation(count)
    if labels is not None:
        shuffled = np.asarray(labels)[order]
        # The turn of each image: how many of its class come before it.
        turn = np.empty(count, int)
        for label in np.unique(shuffled):
            rows = np.flatnonzero(shuffled == label)
            turn[rows] = np.arange(len(rows))
        order = order[np.argsort(turn, kind="stable")]
    return order[:most]


def project(features):
    """Places of images in a map: similar features are near each other (t-SNE).

    Args:
        features: float array `[n, dim]`, n at least 4.

    Returns:
        float array `[n, 2]` in [0, 1], of which the longer side is filled. All are in
        the middle if the features are all the same.

    Example:
        >>> import numpy as np
        >>> from tfssl.pages.samples import project
        >>> points = project(np.random.default_rng(0).normal(size=(20, 8)))
        >>> points.shape, round(float(np.ptp(points, axis=0).max()), 6)
        ((20, 2), 1.0)
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    features = np.asarray(features, "float32")
    # What rounding leaves of a collapsed encoder; t-SNE would divide by it.
    if features.std(axis=0).max() <= 1e-6 * np.abs(features).max():
        return np.full((len(features), 2), 0.5)
    dims = min(50, *features.shape)
    reduced = PCA(dims, random_state=0).fit_transform(features)
    perplexity = min(30, (len(features) - 1) / 3)
    points = TSNE(perplexity=perplexity, random_state=0).fit_transform(reduced)
    low, high = points.min(axis=0), points.max(axis=0)
    # One scale for both, so that distances are not stretched.
    return 0.5 + (points - (low + high) / 2) / max((high - low).max(), 1e-9)


def nearest(features, queries, count):
    """The most similar other images, by the cosine of the features.

    Args:
        features: float array `[n, dim]`.
        queries: sequence of ints, positions in it.
        count: int, neighbours of each, less than n.

    Returns:
        Integer array `[len(queries), count]` of positions, the most similar first.

    Example:
        >>> import numpy as np
        >>> from tfssl.pages.samples import nearest
        >>> features = np.array([[1, 0], [0, 1], [2, 1], [9, 1]])
        >>> nearest(features, [0], count=2).tolist()
        [[3, 2]]
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    queries = np.asarray(queries, int)
    similarity = unit[queries] @ unit.T
    similarity[np.arange(len(queries)), queries] = -np.inf
    return np.argsort(-similarity, axis=1, kind="stable")[:, :count]

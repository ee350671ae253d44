"""Classification by the k nearest neighbours of features."""

import numpy as np

from tfssl.checks import check_count, check_positive
from tfssl.transfer.finite import check_finite
from tfssl.transfer.labels import check_labels
from tfssl.transfer.result import Result
from tfssl.transfer.subsets import few_label_draws

# Values that share a maximum, see `largest_of_rows`.
_GROUP = 16


def knn_predict(
    train_features,
    train_labels,
    test_features,
    k=200,
    temperature=0.1,
    vote="weighted",
    chunk_size=None,
):
    """Labels by a vote of the k nearest training features, by cosine similarity.

    Args:
        train_features: float array `[n, dim]`, the bank; all of it is searched.
        train_labels: integer array `[n]` from 0.
        test_features: float array `[m, dim]`.
        k: int, number of neighbours. Defaults to 200.
        temperature: float; a neighbour of similarity `s` has the weight
            `exp(s / temperature)`. Defaults to 0.1.
        vote: "weighted" or "majority", in which each neighbour has the weight 1.
            Defaults to "weighted".
        chunk_size: int, test features compared at a time; it changes no result.
            Defaults to 1,000, and to fewer with a bank of more than 268,435.

    Returns:
        Integer array `[m]`. Ties go to the smallest label.

    Raises:
        ValueError: if k is not between 1 and n, the temperature is not above 0, the
            labels are not an integer from 0 for each row, or features are not finite.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import knn_predict
        >>> bank, labels = np.eye(3), np.array([0, 1, 2])
        >>> knn_predict(bank, labels, bank * 2, k=1).tolist()
        [0, 1, 2]

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.4.
    """
    check_neighbours(k, temperature, len(train_features))
    train_labels = check_labels(train_labels, len(train_features), "train_labels")
    if vote not in ("weighted", "majority"):
        raise ValueError(
            f'vote must be "weighted" or "majority". Received: vote={vote!r}'
        )
    chunk_size = block_of(len(train_features)) if chunk_size is None else chunk_size
    check_finite(train_features, "train_features")
    check_finite(test_features, "test_features")
    bank = unit_rows(train_features)
    classes, voted = np.unique(train_labels, return_inverse=True)
    predictions = np.empty(len(test_features), "int64")
    for start in range(0, len(test_features), chunk_size):
        similarity = unit_rows(test_features[start : start + chunk_size]) @ bank.T
        nearest = largest_of_rows(similarity, k)
        weights = np.ones(nearest.shape, "float64")
        if vote == "weighted":
            cosine = np.take_along_axis(similarity, nearest, axis=1)
            cosine = cosine.astype("float64")
            # A factor for each row changes no vote, and 1 is the largest weight.
            largest = cosine.max(axis=1, keepdims=True)
            weights = np.exp((cosine - largest) / temperature)
        votes = np.zeros((len(nearest), len(classes)))
        rows = np.arange(len(nearest))[:, None]
        np.add.at(votes, (rows, voted[nearest]), weights)
        predictions[start : start + chunk_size] = classes[votes.argmax(axis=1)]
    return predictions


def knn_accuracy(
    train_features, train_labels, test_features, test_labels, k=200, temperature=0.1
):
    """Fraction of the test features that `knn_predict` classifies rightly.

    Args:
        train_features, train_labels, test_features, k, temperature: of `knn_predict`.
        test_labels: integer array `[m]`.

    Returns:
        float.

    Raises:
        ValueError: as `knn_predict`.
    """
    test_labels = check_labels(test_labels, len(test_features), "test_labels")
    predictions = knn_predict(
        train_features, train_labels, test_features, k, temperature
    )
    return float(np.mean(predictions == test_labels))


def knn(
    train_features, train_labels, test_features, test_labels, k=200, temperature=0.1
):
    """The protocol "knn": `knn_accuracy` with the whole training set as the bank.

    Args:
        train_features, train_labels, test_features, test_labels, k, temperature: of
            `knn_accuracy`.

    Returns:
        `Result`.

    Raises:
        ValueError: as `knn_predict`.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import knn
        >>> x, y = np.eye(4)[np.arange(40) % 4], np.arange(40) % 4
        >>> print(knn(x, y, x, y, k=5))
        knn  1.0000
    """
    accuracy = knn_accuracy(
        train_features, train_labels, test_features, test_labels, k, temperature
    )
    return Result("knn", accuracy, settings={"k": k, "temperature": temperature})


def few_label_knn(
    train_features,
    train_labels,
    test_features,
    test_labels,
    labels_per_class,
    temperature=0.1,
    draws=10,
    seed=0,
):
    """The protocol "few_knn": `knn_accuracy` with a bank of few labels.

    k is the number of labels of each class.

    Args:
        train_features, train_labels, test_features, test_labels, temperature: of
            `knn_accuracy`.
        labels_per_class: int, rows of each class that are drawn for the bank.
        draws: int, banks to draw; bank i has the seed `seed + i`. Defaults to 10.
        seed: int. Defaults to 0.

    Returns:
        `Result` over the draws.

    Raises:
        ValueError: as `few_label_indices` and `knn_accuracy`.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import few_label_knn
        >>> x, y = np.eye(4)[np.arange(40) % 4], np.arange(40) % 4
        >>> print(few_label_knn(x, y, x, y, labels_per_class=2))
        few_knn, 2 labels per class  1.0000 +- 0.0000
    """
    train_labels = check_labels(train_labels, len(train_features), "train_labels")
    subsets = few_label_draws(train_labels, labels_per_class, draws=draws, seed=seed)
    accuracies = [
        knn_accuracy(
            train_features[rows],
            train_labels[rows],
            test_features,
            test_labels,
            labels_per_class,
            temperature,
        )
        for rows in subsets
    ]
    settings = {
        "labels_per_class": labels_per_class,
        "k": labels_per_class,
        "temperature": temperature,
        "draws": draws,
        "seed": seed,
    }
    return Result.over_draws("few_knn", accuracies, settings)


def block_of(bank):
    """How many queries are compared at a time with a bank of so many: 1 GiB."""
    return min(max(2**28 // bank, 1), 1000)


def largest_of_rows(values, k):
    """Where the k largest values of each row are.

    Most of a long row is ruled out by a bound: the k-th largest of the maxima of groups
    of values. k groups have a value that is at least as large, so k values are.

    Args:
        values: float array `[rows, n]`, finite.
        k: int, at most n.

    Returns:
        Integer array `[rows, k]`, in no order.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer.knn import largest_of_rows
        >>> sorted(largest_of_rows(np.array([[5.0, 1.0, 7.0, 3.0]]), 2)[0].tolist())
        [0, 2]
    """
    rows, n = values.shape
    groups = n // _GROUP
    if groups < 4 * k:
        return np.argpartition(values, n - k, axis=1)[:, n - k :]
    # A group takes values that lie far apart: the maxima of long lines are quick.
    grouped = values[:, : groups * _GROUP].reshape(rows, _GROUP, groups)
    bounds = np.partition(grouped.max(axis=1), groups - k, axis=1)[:, groups - k]
    found = np.empty((rows, k), "int64")
    for row, bound, columns in zip(values, bounds, found, strict=True):
        left = np.flatnonzero(row >= bound)
        last = len(left) - k
        columns[:] = left[np.argpartition(row[left], last)[last:]] if last else left
    return found


def check_neighbours(k, temperature, bank):
    """Refuses a k or temperature that a bank of so many rows cannot be searched with.

    Args:
        k, temperature: of `knn_predict`.
        bank: int, rows of the bank.

    Raises:
        ValueError: as `knn_predict`.
    """
    check_count(k=k)
    check_positive(temperature=temperature)
    if k > bank:
        raise ValueError(
            f"k must be between 1 and the size of the bank, {bank}. Received: k={k}"
        )


def unit_rows(features):
    """Features brought to length 1; those of length 0 stay so.

    Args:
        features: float array `[n, dim]`.

    Returns:
        float32 array `[n, dim]`.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer.knn import unit_rows
        >>> unit_rows(np.array([[0.0, 2.0]])).tolist()
        [[0.0, 1.0]]
    """
    features = np.asarray(features, "float32")
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)

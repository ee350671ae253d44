"""k nearest neighbours on features."""

import keras
import numpy as np

from tfssl.checks import check_count, check_positive
from tfssl.transfer.features import features
from tfssl.transfer.few_labels import few_label_indices


def knn_predict(
    train_features,
    train_labels,
    test_features,
    k=200,
    temperature=0.1,
    vote="weighted",
    chunk_size=1000,
):
    """Labels by the vote of the nearest training features, by cosine.

    Args:
        train_features: float array `[n, dim]`: the whole bank is searched.
        train_labels: integer array `[n]` from 0.
        test_features: float array `[m, dim]`.
        k: int, number of neighbours. Defaults to 200.
        temperature: float; a neighbour of cosine `s` has weight `exp(s / temperature)`.
            Defaults to 0.1.
        vote: "weighted" or "majority".
        chunk_size: int, test features compared at a time. It changes no result.

    Returns:
        integer array `[m]`. Ties go to the smallest label.

    Raises:
        ValueError: if k is not between 1 and n, the temperature is not above 0, or the
            labels are not an integer from 0 for each row.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import knn_predict
        >>> bank, labels = np.eye(3), np.array([0, 1, 2])
        >>> knn_predict(bank, labels, bank * 2, k=1).tolist()
        [0, 1, 2]

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.4.
    """
    _check_numbers(k, temperature, len(train_features))
    train_labels = _class_labels(train_labels, len(train_features), "train_labels")
    if vote not in ("weighted", "majority"):
        raise ValueError(f'vote must be "weighted" or "majority". Received: {vote!r}')
    bank = _unit_rows(train_features)
    classes = int(train_labels.max()) + 1
    predictions = np.empty(len(test_features), "int64")
    for start in range(0, len(test_features), chunk_size):
        similarity = _unit_rows(test_features[start : start + chunk_size]) @ bank.T
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        weights = np.ones(nearest.shape, "float64")
        if vote == "weighted":
            cosine = np.take_along_axis(similarity, nearest, axis=1)
            cosine = cosine.astype("float64")
            # A factor for each row changes no vote, and 1 is the largest weight.
            nearest_first = cosine.max(axis=1, keepdims=True)
            weights = np.exp((cosine - nearest_first) / temperature)
        votes = np.zeros((len(nearest), classes))
        rows = np.arange(len(nearest))[:, None]
        np.add.at(votes, (rows, train_labels[nearest]), weights)
        predictions[start : start + chunk_size] = votes.argmax(axis=1)
    return predictions


def knn_accuracy(
    train_features, train_labels, test_features, test_labels, k=200, temperature=0.1
):
    """Share of test features whose `knn_predict` is right.

    Args:
        train_features, train_labels, test_features, k, temperature: of `knn_predict`.
        test_labels: integer array `[m]`.

    Returns:
        float.

    Raises:
        ValueError: as `knn_predict`.
    """
    test_labels = _class_labels(test_labels, len(test_features), "test_labels")
    predictions = knn_predict(
        train_features, train_labels, test_features, k, temperature
    )
    return float(np.mean(predictions == test_labels))


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
    """`knn_accuracy` with a bank of few labels, k as many as a class has.

    Args:
        train_features, train_labels, test_features, test_labels, temperature: of
            `knn_accuracy`.
        labels_per_class: int, rows of each class that are drawn for the bank.
        draws: int, banks to draw. Defaults to 10.
        seed: int, of the first draw. Defaults to 0.

    Returns:
        Tuple of floats: mean and standard deviation over the draws.

    Raises:
        ValueError: as `few_label_indices` and `knn_accuracy`.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import few_label_knn
        >>> x, y = np.eye(4)[np.arange(40) % 4], np.arange(40) % 4
        >>> few_label_knn(x, y, x, y, labels_per_class=2)
        (1.0, 0.0)
    """
    check_count(draws=draws)
    train_labels = np.asarray(train_labels)
    values = []
    for draw in range(draws):
        rows = few_label_indices(train_labels, labels_per_class, seed=seed + draw)
        bank, labels = train_features[rows], train_labels[rows]
        values.append(
            knn_accuracy(
                bank,
                labels,
                test_features,
                test_labels,
                labels_per_class,
                temperature,
            )
        )
    return float(np.mean(values)), float(np.std(values))


def _check_numbers(k, temperature, bank):
    check_count(k=k)
    check_positive(temperature=temperature)
    if k > bank:
        raise ValueError(
            f"k must be between 1 and the size of the bank, {bank}. Received: k={k}"
        )


def _class_labels(labels, count, name):
    """The labels as an array, if each of so many rows has one."""
    array = np.asarray(labels)
    if labels is None or array.shape != (count,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be {count} integers, one for each image. Received: "
            + ("None" if labels is None else f"shape {array.shape} of {array.dtype}")
        )
    if array.size and array.min() < 0:
        raise ValueError(
            f"{name} must be classes from 0; leave out images without a label. "
            f"Received: {array.min()}"
        )
    return array


def _unit_rows(x):
    x = np.asarray(x, "float32")
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


class KNNCallback(keras.callbacks.Callback):
    """Logs `knn_accuracy` of the model's features while it trains.

    Args:
        train: tuple of images `[n, height, width, 3]` and labels `[n]`: the bank.
        test: tuple of images and labels to classify.
        k, temperature: of `knn_predict`.
        every: int, epochs between measurements; the last epoch is always measured.

    Raises:
        ValueError: as `knn_predict`, before training.

    Example:
        >>> import numpy as np, tfssl
        >>> x, y = np.zeros((8, 16, 16, 3), "uint8"), np.arange(8) % 2
        >>> callback = tfssl.transfer.KNNCallback(train=(x, y), test=(x, y), k=3)
    """

    def __init__(self, train, test, k=200, temperature=0.1, every=1):
        super().__init__()
        _check_numbers(k, temperature, len(train[0]))
        check_count(every=every)
        for name, (images, labels) in (("train", train), ("test", test)):
            _class_labels(labels, len(images), f"Labels of {name}")
        self.train = train
        self.test = test
        self.k = k
        self.temperature = temperature
        self.every = every

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.params.get("epochs")
        if logs is None or not (last or (epoch + 1) % self.every == 0):
            return
        model = self.model
        logs["knn_accuracy"] = knn_accuracy(
            features(model, self.train[0]),
            self.train[1],
            features(model, self.test[0]),
            self.test[1],
            self.k,
            self.temperature,
        )

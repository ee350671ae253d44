"""kNN accuracy while a model trains."""

import keras
import numpy as np

from tfssl.checks import check_count
from tfssl.transfer.features import features
from tfssl.transfer.knn import check_neighbours, knn_accuracy
from tfssl.transfer.labels import check_labels

# Images of each set whose features are computed before training.
_TRIED = 8


class KNNCallback(keras.callbacks.Callback):
    """Logs `knn_accuracy` of the model's features while it trains.

    Images of another size than the encoder's are brought to it. Before the first step
    the features of a few images of both sets are computed, so that a set that cannot
    be measured is refused before anything is trained. Of features that are not finite
    the accuracy is NaN.

    Args:
        train: tuple of images `[n, height, width, 3]` and labels `[n]`: the bank.
        test: tuple of images and labels to classify.
        k, temperature: of `knn_predict`.
        every: int, epochs between measurements; the last epoch is always measured.
            Defaults to 1.

    Raises:
        ValueError: as `knn_predict` and `features`, before training.

    Example:
        >>> import numpy as np, tfssl
        >>> x, y = np.zeros((8, 16, 16, 3), "uint8"), np.arange(8) % 2
        >>> callback = tfssl.transfer.KNNCallback(train=(x, y), test=(x, y), k=3)
    """

    def __init__(self, train, test, k=200, temperature=0.1, every=1):
        super().__init__()
        check_neighbours(k, temperature, len(train[0]))
        check_count(every=every)
        for name, (images, labels) in (("train", train), ("test", test)):
            check_labels(labels, len(images), f"Labels of {name}")
        self.train = train
        self.test = test
        self.k = k
        self.temperature = temperature
        self.every = every

    def on_train_begin(self, logs=None):
        for images, _ in (self.train, self.test):
            features(self.model, images[:_TRIED])

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.params.get("epochs")
        if logs is None or not (last or (epoch + 1) % self.every == 0):
            return
        bank, queries = (
            features(self.model, images) for images, _ in (self.train, self.test)
        )
        if not (np.isfinite(bank).all() and np.isfinite(queries).all()):
            # Whether training ends then is not decided here.
            logs["knn_accuracy"] = float("nan")
            return
        logs["knn_accuracy"] = knn_accuracy(
            bank, self.train[1], queries, self.test[1], self.k, self.temperature
        )

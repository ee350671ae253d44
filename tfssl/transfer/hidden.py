"""Probe with a hidden layer on frozen features."""

import keras
import numpy as np

from tfssl.checks import check_count, check_fraction
from tfssl.optimizers import WarmupCosine
from tfssl.transfer.labels import check_labels
from tfssl.transfer.linear import standardized
from tfssl.transfer.result import Result


def hidden_probe(
    train_features,
    train_labels,
    test_features,
    test_labels,
    units=200,
    dropout=0.1,
    epochs=20,
    batch_size=256,
    seed=0,
):
    """The protocol "hidden": a classifier with one hidden layer on frozen features.

    The layer has batch normalisation, ReLU and dropout, as in Deep InfoMax, whose
    published numbers are of this protocol. It is trained by Adam from 1e-3 along a
    cosine; nothing is chosen on the test features.

    Args:
        train_features, test_features: float arrays `[n, dim]`, `[m, dim]`.
        train_labels, test_labels: integer arrays `[n]`, `[m]`, from 0.
        units: int, width of the hidden layer. Defaults to 200.
        dropout: float in [0, 1], fraction of units left out. Defaults to 0.1.
        epochs: int. Defaults to 20.
        batch_size: int, and all features if there are fewer. Defaults to 256.
        seed: int, of weights, order and dropout. Defaults to 0.

    Returns:
        `Result`.

    Raises:
        ValueError: for units, epochs or a batch size below 1, a dropout out of range,
            or labels that are not an integer from 0 for each row.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import hidden_probe
        >>> x = np.random.default_rng(0).normal(size=(512, 2))
        >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)  # no line divides them
        >>> hidden_probe(x, y, x, y, epochs=40, batch_size=32).value > 0.9
        True

    Source: Hjelm et al. 2018, arXiv 1808.06670, section 4.1 and appendix A.2.
    """
    check_count(units=units, epochs=epochs, batch_size=batch_size)
    check_fraction(dropout=dropout)
    train_labels = check_labels(train_labels, len(train_features), "train_labels")
    test_labels = check_labels(test_labels, len(test_features), "test_labels")
    train, test = standardized(train_features, test_features)
    # `fit` takes the rest that does not fill a batch, too.
    steps = -(-len(train) // batch_size) * epochs
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((train.shape[1],)),
            keras.layers.Dense(units, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(int(train_labels.max()) + 1),
        ]
    )
    model.compile(
        keras.optimizers.Adam(WarmupCosine(1e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(train, train_labels, batch_size, epochs, verbose=0)
    logits = model.predict(test, batch_size=4096, verbose=0)
    accuracy = float(np.mean(logits.argmax(axis=1) == test_labels))
    settings = {
        "units": units,
        "dropout": dropout,
        "epochs": epochs,
        "batch_size": min(batch_size, len(train)),
        "seed": seed,
    }
    return Result("hidden", accuracy, settings=settings)

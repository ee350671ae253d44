"""Optimizers by name, and how their rate grows with the batch."""

import math

import keras

from tfssl.optimizers.adamw import AdamW
from tfssl.optimizers.lars import LARS
from tfssl.optimizers.schedules import scale_rate
from tfssl.optimizers.sgd import SGD


def _adam(rate, weight_decay, **kwargs):
    # To Keras a decay of 0 is one that must be applied.
    return keras.optimizers.Adam(rate, weight_decay=weight_decay or None, **kwargs)


# What makes each, and how its rate grows with the batch.
_OPTIMIZERS = {
    "adam": (_adam, "sqrt"),
    "adamw": (AdamW, "sqrt"),
    "lars": (LARS, "linear"),
    "sgd": (SGD, "linear"),
}


_SCALINGS = ("linear", "sqrt")


def peak_rate(name, rate, batch_size, scaling=None):
    """The learning rate for a batch size.

    Args:
        name: "adam", "adamw", "lars" or "sgd".
        rate: float, the rate for 256 images a step.
        batch_size: int, images a step over all replicas.
        scaling: "linear", or "sqrt": with the square root of the batch. Defaults to
            None: linear for lars and sgd, else sqrt.

    Returns:
        float.

    Raises:
        ValueError: for another name or scaling.

    Example:
        >>> from tfssl.optimizers import peak_rate
        >>> peak_rate("sgd", 0.1, 1024), peak_rate("adamw", 0.1, 1024)
        (0.4, 0.2)
        >>> peak_rate("sgd", 0.1, 1024, scaling="sqrt")
        0.2
    """
    _, usual = _entry(name)
    if scaling not in (None, *_SCALINGS):
        raise ValueError(
            f"scaling must be None or one of {_SCALINGS}. Received: {scaling!r}"
        )
    if (scaling or usual) == "sqrt":
        return rate * math.sqrt(batch_size / 256)
    return scale_rate(rate, batch_size)


def optimizer(name, rate, weight_decay=0.0, **kwargs):
    """An optimizer by its name.

    Args:
        name: "adam", "adamw", "lars" or "sgd".
        rate: float or schedule.
        weight_decay: float; decoupled for adam and adamw, coupled for lars and sgd.
            Defaults to 0.
        **kwargs: of the optimizer's class.

    Returns:
        `keras.optimizers.Optimizer`.

    Raises:
        ValueError: for another name.

    Example:
        >>> from tfssl.optimizers import optimizer
        >>> optimizer("lars", 0.3, weight_decay=1e-4).name
        'lars'
    """
    make, _ = _entry(name)
    return make(rate, weight_decay=weight_decay, **kwargs)


def _entry(name):
    if name not in _OPTIMIZERS:
        raise ValueError(
            f"optimizer must be one of {sorted(_OPTIMIZERS)}. Received: {name!r}"
        )
    return _OPTIMIZERS[name]

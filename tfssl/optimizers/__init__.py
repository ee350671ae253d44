"""Optimizers and schedules that the papers use and Keras does not have."""

from tfssl.optimizers.lars import LARS
from tfssl.optimizers.schedules import WarmupCosine, scale_rate
from tfssl.optimizers.sgd import SGD

__all__ = ["LARS", "SGD", "WarmupCosine", "scale_rate"]

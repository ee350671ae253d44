"""Optimizers and schedules that the papers use and Keras does not have."""

from tfssl.optimizers.lars import LARS
from tfssl.optimizers.schedules import Steps, WarmupCosine, scale_rate
from tfssl.optimizers.sgd import SGD

__all__ = ["LARS", "SGD", "Steps", "WarmupCosine", "scale_rate"]

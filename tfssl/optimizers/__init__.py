"""Optimizers and schedules that the papers use and Keras does not have."""

from tfssl.optimizers.adamw import AdamW
from tfssl.optimizers.lars import LARS
from tfssl.optimizers.named import optimizer, peak_rate
from tfssl.optimizers.progress import Cosine, Linear, Schedule, value_at
from tfssl.optimizers.schedules import Steps, WarmupCosine, scale_rate
from tfssl.optimizers.sgd import SGD

__all__ = [
    "AdamW",
    "Cosine",
    "LARS",
    "Linear",
    "SGD",
    "Schedule",
    "Steps",
    "WarmupCosine",
    "optimizer",
    "peak_rate",
    "scale_rate",
    "value_at",
]

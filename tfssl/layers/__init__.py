"""Layers that methods and encoders share."""

from tfssl.layers.batch_normalization import BatchNormalization
from tfssl.layers.heads import projection_head

__all__ = ["BatchNormalization", "projection_head"]

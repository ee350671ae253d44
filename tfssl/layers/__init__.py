"""Layers that methods and encoders share."""

from tfssl.layers.batch_normalization import BatchNormalization
from tfssl.layers.heads import as_projection_head, projection_head

__all__ = ["BatchNormalization", "as_projection_head", "projection_head"]

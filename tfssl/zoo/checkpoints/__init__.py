"""Checkpoints of other frameworks, read without running anything that is in them."""

from tfssl.zoo.checkpoints.reading import read_checkpoint
from tfssl.zoo.checkpoints.stored import StoredArray

__all__ = ["StoredArray", "read_checkpoint"]

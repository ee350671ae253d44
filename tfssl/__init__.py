"""tfssl: self-supervised pretraining of image encoders in Keras."""

from tfssl.version import __version__

__all__ = ["__version__"]

"""The zoo: publish an encoder, find it, load it in one line."""

from tfssl.zoo.errors import FormatError, IntegrityError, NotFoundError, ZooError
from tfssl.zoo.load import info, load, load_projector, names
from tfssl.zoo.publish import publish

__all__ = [
    "FormatError",
    "IntegrityError",
    "NotFoundError",
    "ZooError",
    "info",
    "load",
    "load_projector",
    "names",
    "publish",
]

"""The zoo: publish an encoder, find it, load it in one line."""

from tfssl.zoo.errors import FormatError, IntegrityError, NotFoundError, ZooError
from tfssl.zoo.load import info, list, load, load_projector
from tfssl.zoo.publish import publish

__all__ = [
    "FormatError",
    "IntegrityError",
    "NotFoundError",
    "ZooError",
    "info",
    "list",
    "load",
    "load_projector",
    "publish",
]

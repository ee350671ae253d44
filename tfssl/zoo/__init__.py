"""The zoo: publish an encoder, find it, load it in one line."""

from tfssl.zoo.conversion import SCHEMES, convert
from tfssl.zoo.errors import FormatError, IntegrityError, NotFoundError, ZooError
from tfssl.zoo.exporting import export
from tfssl.zoo.load import info, load, load_projector, names
from tfssl.zoo.official_weights import official
from tfssl.zoo.page import write_page
from tfssl.zoo.publish import publish
from tfssl.zoo.showing import show_examples

__all__ = [
    "FormatError",
    "IntegrityError",
    "NotFoundError",
    "SCHEMES",
    "ZooError",
    "convert",
    "export",
    "info",
    "load",
    "load_projector",
    "names",
    "official",
    "publish",
    "show_examples",
    "write_page",
]

"""Weights of other libraries into encoders of this one."""

from tfssl.zoo.conversion.converting import convert
from tfssl.zoo.conversion.schemes import SCHEMES, Scheme

__all__ = ["SCHEMES", "Scheme", "convert"]

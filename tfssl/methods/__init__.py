"""Methods: what is learned from images without labels. One file each."""

from tfssl.methods.method import Method
from tfssl.methods.simclr import SimCLR

# What --method chooses from.
METHODS = {"simclr": SimCLR}

__all__ = ["METHODS", "Method", "SimCLR"]

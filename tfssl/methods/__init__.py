"""Methods: what is learned from images without labels. One file each."""

from tfssl.methods.method import Method
from tfssl.methods.recipes import SMALL_IMAGE, Recipe, recipe
from tfssl.methods.simclr import SimCLR

# What --method chooses from.
METHODS = {"simclr": SimCLR}

__all__ = ["METHODS", "SMALL_IMAGE", "Method", "Recipe", "SimCLR", "recipe"]

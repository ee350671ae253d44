"""Methods: what is learned from images without labels. One file each."""

from tfssl.methods.cmc import CMC
from tfssl.methods.context_encoder import ContextEncoder
from tfssl.methods.cpc import CPC
from tfssl.methods.dim import DeepInfoMax
from tfssl.methods.method import Method
from tfssl.methods.moco import MoCo
from tfssl.methods.recipes import Recipe, recipe
from tfssl.methods.simclr import SimCLR
from tfssl.methods.simclr_v2 import SimCLRv2

# What --method chooses from.
METHODS = {
    "cmc": CMC,
    "context_encoder": ContextEncoder,
    "cpc": CPC,
    "dim": DeepInfoMax,
    "dim_global": DeepInfoMax,
    "moco": MoCo,
    "moco_v1": MoCo,
    "moco_v2": MoCo,
    "simclr": SimCLR,
    "simclr_v2": SimCLRv2,
}

__all__ = [
    "CMC",
    "CPC",
    "METHODS",
    "ContextEncoder",
    "DeepInfoMax",
    "Method",
    "MoCo",
    "Recipe",
    "SimCLR",
    "SimCLRv2",
    "recipe",
]

"""Methods: what is learned from images without labels. One file each.

A file holds the class of its method, and `RECIPES`: for each of the method's names a
dict from presets to recipes.
"""

import importlib
import typing

from tfssl import lazy
from tfssl.registry import METHODS

_PLACES = {
    "AdversarialMethod": "adversarial",
    "Batch": "method",
    "Method": "method",
    "MultiCropMethod": "multi_crop",
    "Recipe": "recipes",
    "concerns": "advice",
    "digits": "presets",
    "recipe": "presets",
    "summary": "advice",
    "view_size": "photos",
    **{name: file for file, _, name in (x.partition(".") for x in METHODS.values())},
}

if typing.TYPE_CHECKING:
    # For editors: what is imported when it is first used.
    from tfssl.methods.adversarial import AdversarialMethod as AdversarialMethod
    from tfssl.methods.advice import concerns as concerns
    from tfssl.methods.advice import summary as summary
    from tfssl.methods.barlow_twins import BarlowTwins as BarlowTwins
    from tfssl.methods.byol import BYOL as BYOL
    from tfssl.methods.cmc import CMC as CMC
    from tfssl.methods.context_encoder import ContextEncoder as ContextEncoder
    from tfssl.methods.cpc import CPC as CPC
    from tfssl.methods.dim import DeepInfoMax as DeepInfoMax
    from tfssl.methods.dino import DINO as DINO
    from tfssl.methods.ijepa import IJEPA as IJEPA
    from tfssl.methods.joint import Joint as Joint
    from tfssl.methods.lejepa import LeJEPA as LeJEPA
    from tfssl.methods.mae import MAE as MAE
    from tfssl.methods.method import Batch as Batch
    from tfssl.methods.method import Method as Method
    from tfssl.methods.moco import MoCo as MoCo
    from tfssl.methods.moco_v3 import MoCoV3 as MoCoV3
    from tfssl.methods.multi_crop import MultiCropMethod as MultiCropMethod
    from tfssl.methods.nnclr import NNCLR as NNCLR
    from tfssl.methods.photos import view_size as view_size
    from tfssl.methods.presets import digits as digits
    from tfssl.methods.presets import recipe as recipe
    from tfssl.methods.recipes import Recipe as Recipe
    from tfssl.methods.simclr import SimCLR as SimCLR
    from tfssl.methods.simclr_v2 import SimCLRv2 as SimCLRv2
    from tfssl.methods.simsiam import SimSiam as SimSiam
    from tfssl.methods.swav import SwAV as SwAV
    from tfssl.methods.vicreg import VICReg as VICReg
    from tfssl.methods.visreg import VISReg as VISReg

__all__ = ["METHODS", "method_class", *_PLACES]
__getattr__ = lazy.parts(__name__, _PLACES)


def __dir__():
    return sorted(__all__)


def method_class(name):
    """The class of a method, by its name.

    Args:
        name: one of `METHODS`, such as "simclr".

    Returns:
        A subclass of `Method`.

    Raises:
        ValueError: for another name.

    Example:
        >>> import tfssl
        >>> tfssl.methods.method_class("moco_v2").__name__
        'MoCo'
    """
    if name not in METHODS:
        raise ValueError(f"method must be one of {sorted(METHODS)}. Received: {name!r}")
    file, _, found = METHODS[name].partition(".")
    return getattr(importlib.import_module(f"{__name__}.{file}"), found)

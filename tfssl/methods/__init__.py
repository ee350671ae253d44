"""Methods: what is learned from images without labels. One file each.

A file holds the class of its method, and `RECIPES`: for each of the method's names a
dict from presets to recipes.
"""

import importlib

from tfssl import lazy
from tfssl.registry import METHODS

_PLACES = {
    "AdversarialMethod": "adversarial",
    "Batch": "method",
    "Method": "method",
    "Recipe": "recipes",
    "concerns": "advice",
    "digits": "presets",
    "recipe": "presets",
    "summary": "advice",
    "view_size": "photos",
    **{name: file for file, _, name in (x.partition(".") for x in METHODS.values())},
}

__all__ = ["METHODS", "method_class", *_PLACES]
__getattr__, _names = lazy.parts(__name__, _PLACES)


def __dir__():
    return [*_names(), "METHODS", "method_class"]


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

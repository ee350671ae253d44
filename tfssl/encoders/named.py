"""Encoders by name: what the scripts' --encoder chooses from."""

import inspect

import numpy as np

from tfssl import encoders
from tfssl.views import SMALL_IMAGE


def encoder(
    name, image_size, stem="auto", small_image=SMALL_IMAGE, defaults=None, **kwargs
):
    """An encoder by its name.

    Args:
        name: one of `tfssl.encoders.ENCODERS`, such as "resnet18".
        image_size: int, or `(height, width)`.
        stem: one of `tfssl.encoders.STEMS`, for residual networks; the others have no
            choice. Defaults to "auto": "small" for small images, else "imagenet".
        small_image: int, the largest side in pixels of a small image. Defaults to
            `tfssl.views.SMALL_IMAGE`, 64.
        defaults: dict of arguments that are given if the network takes them, and if
            `kwargs` does not.
        **kwargs: arguments of the network's function; it must take them.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: for an unknown name, or arguments that the network does not take.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.encoder("resnet10", 32, width=8).output_shape
        (None, 64)
    """
    if name not in encoders.ENCODERS:
        raise ValueError(
            f"The encoder must be one of {', '.join(encoders.ENCODERS)}. Received: "
            f"{name!r}"
        )
    taken = _arguments(name)
    if stem != "auto":
        kwargs["stem"] = stem
    elif "stem" in taken:
        small = image_size is not None and np.max(image_size) <= small_image
        kwargs["stem"] = "small" if small else "imagenet"
    for argument, value in (defaults or {}).items():
        if argument in taken:
            kwargs.setdefault(argument, value)
    unknown = [argument for argument in kwargs if argument not in taken]
    if unknown:
        fitting = [
            e for e in encoders.ENCODERS if kwargs.keys() <= _arguments(e).keys()
        ]
        remedy = (
            f"Encoders that fit: {', '.join(fitting)}"
            if fitting
            else f"Arguments of {name}: {', '.join(taken)}"
        )
        raise ValueError(
            f"{name} takes no {' and no '.join(unknown)}. {remedy}. Received: {kwargs}"
        )
    return getattr(encoders, name)(image_size, **kwargs)


def own_width(name):
    """The width of a network as it was published.

    Args:
        name: one of `tfssl.encoders.ENCODERS`.

    Returns:
        Int; None for another name.

    Example:
        >>> import tfssl
        >>> tfssl.encoders.own_width("vit_tiny")
        192
    """
    return _arguments(name)["width"].default if name in encoders.ENCODERS else None


def _arguments(name):
    return inspect.signature(getattr(encoders, name)).parameters

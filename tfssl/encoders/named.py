"""Encoders by name: what the scripts' --encoder chooses from."""

import inspect

import numpy as np

from tfssl.encoders.context_cnn import alexnet, context_cnn
from tfssl.encoders.dim_cnn import dim_cnn
from tfssl.encoders.resnet import (
    resnet10,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    sk_resnet50,
    sk_resnet101,
    sk_resnet152,
)

ENCODERS = {
    make.__name__: make
    for make in (
        alexnet,
        context_cnn,
        dim_cnn,
        resnet10,
        resnet18,
        resnet34,
        resnet50,
        resnet101,
        resnet152,
        sk_resnet50,
        sk_resnet101,
        sk_resnet152,
    )
}

# Up to this size an image gets the small stem, and the recipe for small images.
SMALL_IMAGE = 64


def encoder(
    name, image_size, stem="auto", small_image=SMALL_IMAGE, defaults=None, **kwargs
):
    """An encoder by its name.

    Args:
        name: one of `tfssl.encoders.ENCODERS`, such as "resnet18".
        image_size: int, or `(height, width)`.
        stem: "small" or "imagenet", see `tfssl.encoders.resnet`; the other networks
            have one stem only. Defaults to "auto": small for small images.
        small_image: int, the largest side in pixels for which "auto" takes the small
            stem. Defaults to 64.
        defaults: dict of arguments for those networks that take them.
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
    if name not in ENCODERS:
        raise ValueError(
            f"The encoder must be one of {', '.join(ENCODERS)}. Received: {name!r}"
        )
    takes = {each: inspect.signature(ENCODERS[each]).parameters for each in ENCODERS}
    if stem != "auto":
        kwargs["stem"] = stem
    elif "stem" in takes[name]:
        small = image_size is not None and np.max(image_size) <= small_image
        kwargs["stem"] = "small" if small else "imagenet"
    for argument, value in (defaults or {}).items():
        if argument in takes[name]:
            kwargs.setdefault(argument, value)
    unknown = [argument for argument in kwargs if argument not in takes[name]]
    if unknown:
        fitting = [each for each in takes if kwargs.keys() <= takes[each].keys()]
        remedy = (
            f"Encoders that fit: {', '.join(fitting)}"
            if fitting
            else f"Arguments of {name}: {', '.join(takes[name])}"
        )
        raise ValueError(
            f"{name} takes no {' and no '.join(unknown)}. {remedy}. Received: {kwargs}"
        )
    return ENCODERS[name](image_size, **kwargs)

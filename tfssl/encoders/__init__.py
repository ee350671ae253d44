"""Encoders: from plain images to features, with parts that have names.

An encoder is any built `keras.Model` from images `[batch, height, width, 3]`, pixel
values in [0, 255], to features `[batch, dim]` or a feature map `[batch, h, w, dim]`:
one of those here, or another that `adapt` makes one. Methods find what they need inside
by the names of its layers, see `tfssl.encoders.parts`.

To add a network, write its file and one line of `tfssl.registry.ENCODERS`.
"""

from tfssl import lazy
from tfssl.registry import ENCODERS, STEMS

_PLACES = {
    **ENCODERS,
    "IMAGENET_MEAN": "scaling",
    "IMAGENET_STD": "scaling",
    "PARTS": "parts",
    "adapt": "any_model",
    "as_encoder": "any_model",
    "cut": "parts",
    "encoder": "named",
    "in_float32": "precision",
    "output_of": "parts",
    "part": "parts",
    "patch_grid": "grid",
    "pixel_scaling": "scaling",
    "resnet": "resnets",
    "split_pair": "pair",
}

__all__ = ["ENCODERS", "STEMS", *_PLACES]
__getattr__, __dir__ = lazy.parts(__name__, _PLACES)

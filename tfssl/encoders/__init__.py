"""Encoders: from plain images to features, with parts that have names.

An encoder is any built `keras.Model` from images `[batch, height, width, 3]`, pixel
values in [0, 255], to features `[batch, dim]` or a feature map `[batch, h, w, dim]`:
one of those here, or another that `adapt` makes one. Methods find what they need inside
by the names of its layers, see `tfssl.encoders.parts`.

To add a network, write its file and one line of `tfssl.registry.ENCODERS`;
a line under TYPE_CHECKING lets editors complete its name.
"""

import typing

from tfssl import lazy
from tfssl.registry import ENCODERS, STEMS

_PLACES = {
    **ENCODERS,
    "IMAGENET_MEAN": "scaling",
    "IMAGENET_STD": "scaling",
    "PARTS": "parts",
    "adapt": "any_model",
    "as_encoder": "any_model",
    "at_size": "sizes",
    "cut": "parts",
    "encode_tokens": "tokens",
    "encoder": "named",
    "has_class_token": "tokens",
    "in_float32": "precision",
    "output_of": "parts",
    "own_width": "named",
    "part": "parts",
    "patch_grid": "grid",
    "pixel_scaling": "scaling",
    "resnet": "resnets",
    "split_pair": "pair",
    "token_grid": "tokens",
    "vit": "vits",
}

if typing.TYPE_CHECKING:
    # For editors: what is imported when it is first used.
    from tfssl.encoders.any_model import adapt as adapt
    from tfssl.encoders.any_model import as_encoder as as_encoder
    from tfssl.encoders.context_networks import alexnet as alexnet
    from tfssl.encoders.context_networks import context_cnn as context_cnn
    from tfssl.encoders.dim_network import dim_cnn as dim_cnn
    from tfssl.encoders.grid import patch_grid as patch_grid
    from tfssl.encoders.named import encoder as encoder
    from tfssl.encoders.named import own_width as own_width
    from tfssl.encoders.pair import split_pair as split_pair
    from tfssl.encoders.parts import PARTS as PARTS
    from tfssl.encoders.parts import cut as cut
    from tfssl.encoders.parts import output_of as output_of
    from tfssl.encoders.parts import part as part
    from tfssl.encoders.precision import in_float32 as in_float32
    from tfssl.encoders.resnets import resnet as resnet
    from tfssl.encoders.resnets import resnet10 as resnet10
    from tfssl.encoders.resnets import resnet18 as resnet18
    from tfssl.encoders.resnets import resnet34 as resnet34
    from tfssl.encoders.resnets import resnet50 as resnet50
    from tfssl.encoders.resnets import resnet101 as resnet101
    from tfssl.encoders.resnets import resnet152 as resnet152
    from tfssl.encoders.resnets import sk_resnet50 as sk_resnet50
    from tfssl.encoders.resnets import sk_resnet101 as sk_resnet101
    from tfssl.encoders.resnets import sk_resnet152 as sk_resnet152
    from tfssl.encoders.scaling import IMAGENET_MEAN as IMAGENET_MEAN
    from tfssl.encoders.scaling import IMAGENET_STD as IMAGENET_STD
    from tfssl.encoders.scaling import pixel_scaling as pixel_scaling
    from tfssl.encoders.sizes import at_size as at_size
    from tfssl.encoders.tokens import encode_tokens as encode_tokens
    from tfssl.encoders.tokens import has_class_token as has_class_token
    from tfssl.encoders.tokens import token_grid as token_grid
    from tfssl.encoders.vits import vit as vit
    from tfssl.encoders.vits import vit_base as vit_base
    from tfssl.encoders.vits import vit_large as vit_large
    from tfssl.encoders.vits import vit_small as vit_small
    from tfssl.encoders.vits import vit_tiny as vit_tiny

__all__ = ["ENCODERS", "STEMS", *_PLACES]
__getattr__ = lazy.parts(__name__, _PLACES)


def __dir__():
    return sorted(__all__)

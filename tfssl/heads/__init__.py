"""Heads: what methods put on an encoder, and throw away after pretraining."""

from tfssl.heads.context import context_network, linear_map
from tfssl.heads.pixels import decoder, discriminator
from tfssl.heads.projection import (
    as_predictor,
    as_projection_head,
    projection_head,
)
from tfssl.heads.prototypes import (
    Prototypes,
    as_prototype_head,
    prototype_head,
    prototype_layer,
)
from tfssl.heads.score import (
    NearIdentity,
    global_network,
    prior_discriminator,
    score_network,
)
from tfssl.heads.tokens import TokenPredictor

__all__ = [
    "NearIdentity",
    "Prototypes",
    "TokenPredictor",
    "as_predictor",
    "as_projection_head",
    "as_prototype_head",
    "context_network",
    "decoder",
    "discriminator",
    "global_network",
    "linear_map",
    "prior_discriminator",
    "projection_head",
    "prototype_head",
    "prototype_layer",
    "score_network",
]

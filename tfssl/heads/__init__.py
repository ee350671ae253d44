"""Heads: what methods put on an encoder, and throw away after pretraining."""

from tfssl.heads.context import context_network, linear_map
from tfssl.heads.pixels import decoder, discriminator
from tfssl.heads.projection import as_projection_head, projection_head
from tfssl.heads.score import (
    NearIdentity,
    global_network,
    prior_discriminator,
    score_network,
)
from tfssl.heads.tokens import TokenPredictor

__all__ = [
    "NearIdentity",
    "TokenPredictor",
    "as_projection_head",
    "context_network",
    "decoder",
    "discriminator",
    "global_network",
    "linear_map",
    "prior_discriminator",
    "projection_head",
    "score_network",
]

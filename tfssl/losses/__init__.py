"""Losses: pure functions of tensors, computed in float32.

A loss that looks across the batch looks across the batches of all replicas: each
replica compares its own rows with everybody's. The mean over the replicas is then what
one device computes on the whole batch.
"""

from tfssl.losses.classification import (
    accuracy,
    cross_entropy,
    l2_normalize,
    labelled_cross_entropy,
)
from tfssl.losses.clustering import (
    batch_mean,
    entropy,
    perplexity,
    sinkhorn,
    swapped_prediction,
)
from tfssl.losses.contrastive import (
    bank_logits,
    batch_logits,
    candidates,
    nce,
    nt_xent,
    nt_xent_logits,
    queue_logits,
)
from tfssl.losses.gaussian import random_directions, sigreg, visreg
from tfssl.losses.mutual_information import (
    donsker_varadhan,
    infonce,
    jensen_shannon,
    pair_scores,
)
from tfssl.losses.redundancy import (
    barlow_twins,
    covariance,
    variance_and_covariance,
    variance_hinge,
)
from tfssl.losses.regression import cosine_distance, smooth_l1

__all__ = [
    "accuracy",
    "bank_logits",
    "barlow_twins",
    "batch_logits",
    "batch_mean",
    "candidates",
    "cosine_distance",
    "covariance",
    "cross_entropy",
    "donsker_varadhan",
    "entropy",
    "infonce",
    "jensen_shannon",
    "l2_normalize",
    "labelled_cross_entropy",
    "nce",
    "nt_xent",
    "nt_xent_logits",
    "pair_scores",
    "perplexity",
    "queue_logits",
    "random_directions",
    "sigreg",
    "sinkhorn",
    "smooth_l1",
    "swapped_prediction",
    "variance_and_covariance",
    "variance_hinge",
    "visreg",
]

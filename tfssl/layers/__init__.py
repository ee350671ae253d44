"""Layers that methods and encoders share."""

from tfssl.layers.batch_normalization import BatchNormalization
from tfssl.layers.channelwise_dense import ChannelwiseDense
from tfssl.layers.encode import features_by, features_of
from tfssl.layers.memory_bank import MemoryBank, Normalizers
from tfssl.layers.normalization import NORMS, normalize
from tfssl.layers.patches import (
    Patches,
    patch_statistics,
    patchify,
    unpatchify,
)
from tfssl.layers.pooling import pooled
from tfssl.layers.positions import POSITIONS, Positions, sincos_positions
from tfssl.layers.queue import Queue
from tfssl.layers.selective_kernels import MixHalves, SqueezeHalves
from tfssl.layers.shuffle import shuffled
from tfssl.layers.split_batch_normalization import SplitBatchNormalization
from tfssl.layers.split_image import LUMA, SplitImage, rgb_to_lab
from tfssl.layers.teacher import Teacher, frozen_copy
from tfssl.layers.transformer import (
    ClassToken,
    PooledTokens,
    TransformerBlock,
    xavier,
)

__all__ = [
    "BatchNormalization",
    "ChannelwiseDense",
    "ClassToken",
    "LUMA",
    "MemoryBank",
    "MixHalves",
    "NORMS",
    "Normalizers",
    "POSITIONS",
    "Patches",
    "PooledTokens",
    "Positions",
    "Queue",
    "SplitBatchNormalization",
    "SplitImage",
    "SqueezeHalves",
    "Teacher",
    "TransformerBlock",
    "features_by",
    "features_of",
    "frozen_copy",
    "normalize",
    "patch_statistics",
    "patchify",
    "pooled",
    "rgb_to_lab",
    "shuffled",
    "sincos_positions",
    "unpatchify",
    "xavier",
]

"""Layers that methods and encoders share."""

from tfssl.layers.batch_normalization import BatchNormalization
from tfssl.layers.channelwise_dense import ChannelwiseDense
from tfssl.layers.heads import as_projection_head, projection_head
from tfssl.layers.memory_bank import MemoryBank
from tfssl.layers.momentum import follow, momentum_copy
from tfssl.layers.normalization import NORMS, normalize
from tfssl.layers.patches import Patches
from tfssl.layers.pooling import pooled
from tfssl.layers.queue import Queue
from tfssl.layers.selective_kernels import MixHalves, SqueezeHalves
from tfssl.layers.split_batch_normalization import SplitBatchNormalization
from tfssl.layers.split_image import LUMA, SplitImage, rgb_to_lab

__all__ = [
    "BatchNormalization",
    "ChannelwiseDense",
    "LUMA",
    "MemoryBank",
    "MixHalves",
    "NORMS",
    "Patches",
    "Queue",
    "SplitBatchNormalization",
    "SplitImage",
    "SqueezeHalves",
    "as_projection_head",
    "follow",
    "momentum_copy",
    "normalize",
    "pooled",
    "projection_head",
    "rgb_to_lab",
]

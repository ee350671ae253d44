"""Layers that methods and encoders share."""

from tfssl.layers.batch_normalization import BatchNormalization
from tfssl.layers.channelwise_dense import ChannelwiseDense
from tfssl.layers.memory_bank import MemoryBank, Normalizers
from tfssl.layers.normalization import NORMS, normalize
from tfssl.layers.patches import Patches
from tfssl.layers.pooling import pooled
from tfssl.layers.queue import Queue
from tfssl.layers.selective_kernels import MixHalves, SqueezeHalves
from tfssl.layers.shuffle import shuffled
from tfssl.layers.split_batch_normalization import SplitBatchNormalization
from tfssl.layers.split_image import LUMA, SplitImage, rgb_to_lab
from tfssl.layers.teacher import Teacher, frozen_copy

__all__ = [
    "BatchNormalization",
    "ChannelwiseDense",
    "LUMA",
    "MemoryBank",
    "MixHalves",
    "NORMS",
    "Normalizers",
    "Patches",
    "Queue",
    "SplitBatchNormalization",
    "SplitImage",
    "SqueezeHalves",
    "Teacher",
    "frozen_copy",
    "normalize",
    "pooled",
    "rgb_to_lab",
    "shuffled",
]

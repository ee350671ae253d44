"""Views: random, seeded, batched transforms; each image draws its own parameters."""

from tfssl.views import block_masks, color, geometry, masks
from tfssl.views.base import Transform
from tfssl.views.block_masks import BlockMasks
from tfssl.views.blur import gaussian_blur
from tfssl.views.multi_crop import DINOViews, LeJEPAViews, MultiCropViews
from tfssl.views.pipelines import SMALL_IMAGE
from tfssl.views.presets import (
    BYOLViews,
    CropViews,
    DigitViews,
    MoCoViews,
    PatchViews,
    SimCLRViews,
)
from tfssl.views.random import RandomStream, ReplicaStream, fold_in
from tfssl.views.transforms import (
    ColorJitter,
    RandomAffine,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
)
from tfssl.views.views import Views

__all__ = [
    "BYOLViews",
    "BlockMasks",
    "ColorJitter",
    "CropViews",
    "DINOViews",
    "DigitViews",
    "LeJEPAViews",
    "MoCoViews",
    "MultiCropViews",
    "PatchViews",
    "RandomAffine",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomResizedCrop",
    "RandomSolarize",
    "RandomStream",
    "ReplicaStream",
    "SMALL_IMAGE",
    "SimCLRViews",
    "Transform",
    "Views",
    "block_masks",
    "color",
    "fold_in",
    "gaussian_blur",
    "geometry",
    "masks",
]

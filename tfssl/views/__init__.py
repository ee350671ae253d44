"""Views: random, seeded, batched transforms; each image draws its own parameters."""

from tfssl.views import color, geometry
from tfssl.views.blur import gaussian_blur
from tfssl.views.random import RandomStream, fold_in
from tfssl.views.transforms import (
    ColorJitter,
    RandomAffine,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
    Transform,
)
from tfssl.views.views import DigitViews, MultiCropViews, SimCLRViews, Views

__all__ = [
    "ColorJitter",
    "DigitViews",
    "MultiCropViews",
    "RandomAffine",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomResizedCrop",
    "RandomSolarize",
    "RandomStream",
    "SimCLRViews",
    "Transform",
    "Views",
    "color",
    "fold_in",
    "gaussian_blur",
    "geometry",
]

"""What the views of the papers share."""

from tfssl.views.transforms import (
    ColorJitter,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
)
from tfssl.views.views import Views

# The largest side, in pixels, of a small image: views of one get no blur, and those of
# SimCLR and SwAV half the colour jitter, as the paper of SimCLR does on CIFAR-10;
# encoders of one begin with the small stem.
SMALL_IMAGE = 64


def pipeline(size, scale, jitter, blur=0.0, solarize=0.0, interpolation="bicubic"):
    """Crop, flip, jitter, grey; then blur and solarize fractions of the images."""
    steps = [
        RandomResizedCrop(size, scale, interpolation=interpolation),
        RandomFlip(),
        ColorJitter(*jitter),
        RandomGrayscale(),
    ]
    if blur:
        steps.append(RandomGaussianBlur(p=blur))
    if solarize:
        steps.append(RandomSolarize(p=solarize))
    return steps


def simclr_jitter(strength):
    return 0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength


# Jitter of BYOL and of what followed it.
BYOL_JITTER = (0.4, 0.4, 0.2, 0.1)


class Preset(Views):
    """Views with a recipe: the arguments of the constructor are the whole config."""

    def __init__(self, pipelines, **config):
        super().__init__(pipelines)
        self._config = config

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self._config.items())
        return f"{type(self).__name__}({arguments})"

    def get_config(self):
        return dict(self._config)

    @classmethod
    def from_config(cls, config):
        return cls(**config)

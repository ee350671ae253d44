"""Views of the papers, and of handwritten digits."""

import keras

from tfssl.checks import check_count
from tfssl.views.pipelines import (
    BYOL_JITTER,
    SMALL_IMAGE,
    Preset,
    pipeline,
    simclr_jitter,
)
from tfssl.views.transforms import (
    ColorJitter,
    RandomAffine,
    RandomFlip,
    RandomGrayscale,
    RandomResizedCrop,
)


@keras.saving.register_keras_serializable("tfssl")
class SimCLRViews(Preset):
    """The views of SimCLR: crop, flip, colour jitter, grey, blur.

    Args:
        image_size: int, height and width of the views.
        strength: float that scales the colour jitter. Defaults to 1, and to 0.5 for
            views up to 64 pixels.
        blur: bool. Defaults to True, and to False for views up to 64 pixels.
        crop_scale: tuple of floats, smallest and largest fraction of the image in a
            view. Defaults to `(0.08, 1)`.
        num_views: int. Defaults to 2.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.SimCLRViews(image_size=32)
        >>> a, b = views(np.zeros((4, 32, 32, 3), "uint8"), seed=0)

    Source: Chen et al. 2020, arXiv 2002.05709, appendix A and B.9.
    """

    def __init__(
        self, image_size, strength=None, blur=None, crop_scale=(0.08, 1.0), num_views=2
    ):
        if strength is None:
            strength = 0.5 if image_size <= SMALL_IMAGE else 1.0
        if blur is None:
            blur = image_size > SMALL_IMAGE
        steps = pipeline(
            image_size, crop_scale, simclr_jitter(strength), blur=0.5 if blur else 0.0
        )
        super().__init__(
            [steps] * num_views,
            image_size=image_size,
            strength=strength,
            blur=blur,
            crop_scale=list(crop_scale),
            num_views=num_views,
        )


@keras.saving.register_keras_serializable("tfssl")
class MoCoViews(Preset):
    """The two views of MoCo: crop, grey, jitter (v1); crop, jitter, grey, blur (v2).

    Args:
        image_size: int, height and width of the views.
        version: 1 or 2. SimSiam uses version 2. Defaults to 2.
        blur: bool, whether version 2 blurs. Defaults to True, and to False for views up
            to 64 pixels.
        crop_scale: tuple of floats, smallest and largest fraction of the image in a
            view. Defaults to `(0.2, 1)`.

    Raises:
        ValueError: for another version.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.MoCoViews(image_size=32)
        >>> query, key = views(np.zeros((4, 32, 32, 3), "uint8"), seed=0)

    Source: He et al. 2019, arXiv 1911.05722, section 3.3; Chen et al. 2020, arXiv
    2003.04297, section 3.
    """

    def __init__(self, image_size, version=2, blur=None, crop_scale=(0.2, 1.0)):
        if version not in (1, 2):
            raise ValueError(f"version must be 1 or 2. Received: version={version}")
        if blur is None:
            blur = image_size > SMALL_IMAGE
        if version == 1:
            steps = [
                RandomResizedCrop(image_size, crop_scale, interpolation="bilinear"),
                RandomGrayscale(),
                ColorJitter(0.4, 0.4, 0.4, 0.4, p=1.0),
                RandomFlip(),
            ]
        else:
            steps = pipeline(
                image_size,
                crop_scale,
                (0.4, 0.4, 0.4, 0.1),
                blur=0.5 if blur else 0.0,
                interpolation="bilinear",
            )
        super().__init__(
            [steps] * 2,
            image_size=image_size,
            version=version,
            blur=blur,
            crop_scale=list(crop_scale),
        )


@keras.saving.register_keras_serializable("tfssl")
class BYOLViews(Preset):
    """The two views of BYOL, Barlow Twins and VICReg, which differ.

    The first is always blurred; of the second a tenth is blurred and a fifth solarized.

    Args:
        image_size: int, height and width of the views.
        blur: bool. Defaults to True, and to False for views up to 64 pixels.
        crop_scale: tuple of floats, smallest and largest fraction of the image in a
            view. Defaults to `(0.08, 1)`.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.BYOLViews(image_size=32)
        >>> a, b = views(np.zeros((4, 32, 32, 3), "uint8"), seed=0)

    Source: Grill et al. 2020, arXiv 2006.07733, appendix B.
    """

    def __init__(self, image_size, blur=None, crop_scale=(0.08, 1.0)):
        if blur is None:
            blur = image_size > SMALL_IMAGE
        super().__init__(
            [
                pipeline(image_size, crop_scale, BYOL_JITTER, 1.0 if blur else 0.0),
                pipeline(
                    image_size, crop_scale, BYOL_JITTER, 0.1 if blur else 0.0, 0.2
                ),
            ],
            image_size=image_size,
            blur=blur,
            crop_scale=list(crop_scale),
        )


@keras.saving.register_keras_serializable("tfssl")
class DigitViews(Preset):
    """Views that leave a handwritten digit what it is: no flip, no colour.

    Args:
        image_size: int, height and width of the views.
        crop_scale: tuple of floats, fractions of the image's area. Defaults to
            `(0.4, 1)`.
        degrees: float, largest turn and shear to either side. Defaults to 12.
        brightness: float, of the colour jitter. Defaults to 0.4.
        num_views: int. Defaults to 2.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.DigitViews(image_size=16)
        >>> views(np.zeros((4, 16, 16, 3), "uint8"), seed=0)[0].shape[1]
        16
    """

    def __init__(
        self,
        image_size,
        crop_scale=(0.4, 1.0),
        degrees=12.0,
        brightness=0.4,
        num_views=2,
    ):
        steps = [
            RandomAffine(degrees=degrees, shear=degrees),
            RandomResizedCrop(image_size, crop_scale),
            ColorJitter(brightness, brightness, 0.0, 0.0),
        ]
        super().__init__(
            [steps] * num_views,
            image_size=image_size,
            crop_scale=list(crop_scale),
            degrees=degrees,
            brightness=brightness,
            num_views=num_views,
        )


@keras.saving.register_keras_serializable("tfssl")
class CropViews(Preset):
    """Crop and flip, colours untouched: for methods that make their task themselves.

    Args:
        image_size: int, height and width of the views.
        crop_scale: tuple of floats, smallest and largest fraction of the image in a
            view. Defaults to `(0.2, 1)`.
        flip: bool. Defaults to True.
        num_views: int. Defaults to 1.
        interpolation: "bicubic" (default), or "bilinear" as in the codes of CMC and
            I-JEPA.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.CropViews(image_size=32)
        >>> (view,) = views(np.zeros((4, 40, 32, 3), "uint8"), seed=0)

    Source: Tian et al. 2019, arXiv 1906.05849, section 4.1.
    """

    def __init__(
        self,
        image_size,
        crop_scale=(0.2, 1.0),
        flip=True,
        num_views=1,
        interpolation="bicubic",
    ):
        steps = [RandomResizedCrop(image_size, crop_scale, interpolation=interpolation)]
        if flip:
            steps.append(RandomFlip())
        super().__init__(
            [steps] * num_views,
            image_size=image_size,
            crop_scale=list(crop_scale),
            flip=flip,
            num_views=num_views,
            interpolation=interpolation,
        )


@keras.saving.register_keras_serializable("tfssl")
class PatchViews(Preset):
    """One view of each patch by itself, so that colours do not give away the image.

    Of the list of CPC v2 these are the shear, the colours and the greyscale. The
    elastic deformation and the operators of AutoAugment are not among them.

    Args:
        image_size: int, height and width of the patches.
        strength: float, 1 for the published strength, 0 for no change.
            Defaults to 1.
        num_views: int. Defaults to 1.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.PatchViews(image_size=8)
        >>> (patches,) = views(np.zeros((49, 8, 8, 3), "uint8"), seed=0)

    Source: Henaff et al. 2019, arXiv 1905.09272, section 4.1 and appendix.
    """

    def __init__(self, image_size, strength=1.0, num_views=1):
        check_count(image_size=image_size)
        steps = [
            RandomAffine(degrees=0.0, shear=15.0 * strength, p=0.2),
            ColorJitter(*(strength * x for x in (0.4, 0.4, 0.4, 0.2)), p=0.8),
            RandomGrayscale(0.25 * min(strength, 1.0)),
        ]
        super().__init__(
            [steps] * num_views,
            image_size=image_size,
            strength=strength,
            num_views=num_views,
        )

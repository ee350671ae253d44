"""Views of several sizes."""

import keras

from tfssl.checks import check_count
from tfssl.views.pipelines import (
    BYOL_JITTER,
    SMALL_IMAGE,
    Preset,
    pipeline,
    simclr_jitter,
)


def _local_size(image_size):
    """Side of small views: 96 pixels beside 224, and a multiple of 4 for patches."""
    return max(4 * round(image_size * 3 / 28), 4)


@keras.saving.register_keras_serializable("tfssl")
class MultiCropViews(Preset):
    """The views of SwAV: two large views and several small ones.

    Args:
        image_size: int, side of the large views.
        local_size: int, side of the small views. Defaults to 3/7 of the large, to a
            multiple of 4.
        num_local: int, number of small views. Defaults to 6.
        global_scale, local_scale: tuples of floats, fractions of the image's area.
            Default to `(0.14, 1)` and `(0.05, 0.14)`.
        strength: float that scales the colour jitter. Defaults to 1, and to 0.5 for
            large views up to 64 pixels.
        blur: bool. Defaults to True, and to False for large views up to 64 pixels.
        interpolation: "bicubic" (default), or "bilinear" as in the authors' code.

    Raises:
        ValueError: for a negative number of views.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.MultiCropViews(image_size=28, num_local=2)
        >>> [v.shape[1] for v in views(np.zeros((4, 32, 32, 3), "uint8"), seed=0)]
        [28, 28, 12, 12]

    Source: Caron et al. 2020, arXiv 2006.09882, section 3.3.
    """

    def __init__(
        self,
        image_size,
        local_size=None,
        num_local=6,
        global_scale=(0.14, 1.0),
        local_scale=(0.05, 0.14),
        strength=None,
        blur=None,
        interpolation="bicubic",
    ):
        check_count(0, num_local=num_local)
        if local_size is None:
            local_size = _local_size(image_size)
        if strength is None:
            strength = 0.5 if image_size <= SMALL_IMAGE else 1.0
        if blur is None:
            blur = image_size > SMALL_IMAGE
        like = {
            "jitter": simclr_jitter(strength),
            "blur": 0.5 if blur else 0.0,
            "interpolation": interpolation,
        }
        large = pipeline(image_size, global_scale, **like)
        small = pipeline(local_size, local_scale, **like)
        super().__init__(
            [large] * 2 + [small] * num_local,
            image_size=image_size,
            local_size=local_size,
            num_local=num_local,
            global_scale=list(global_scale),
            local_scale=list(local_scale),
            strength=strength,
            blur=blur,
            interpolation=interpolation,
        )


@keras.saving.register_keras_serializable("tfssl")
class DINOViews(Preset):
    """The views of DINO: two large ones that differ, and small ones.

    Args:
        image_size: int, side of the large views.
        local_size: int, side of the small views. Defaults to 3/7 of the large, to a
            multiple of 4.
        num_local: int, number of small views. Defaults to 8.
        global_scale, local_scale: tuples of floats, fractions of the image's area.
            Default to `(0.4, 1)` and `(0.05, 0.4)`, for vision transformers; the paper
            takes `(0.14, 1)` and `(0.05, 0.14)` for ResNets.
        blur: bool. Defaults to True, and to False for large views up to 64 pixels.

    Raises:
        ValueError: for a negative number of views.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.DINOViews(image_size=56, num_local=2)
        >>> [v.shape[1] for v in views(np.zeros((4, 64, 64, 3), "uint8"), seed=0)]
        [56, 56, 24, 24]

    Source: Caron et al. 2021, arXiv 2104.14294, section 3.2 and appendix.
    """

    def __init__(
        self,
        image_size,
        local_size=None,
        num_local=8,
        global_scale=(0.4, 1.0),
        local_scale=(0.05, 0.4),
        blur=None,
    ):
        check_count(0, num_local=num_local)
        if local_size is None:
            local_size = _local_size(image_size)
        if blur is None:
            blur = image_size > SMALL_IMAGE
        first, second, local = (1.0, 0.1, 0.5) if blur else (0.0, 0.0, 0.0)
        super().__init__(
            [
                pipeline(image_size, global_scale, BYOL_JITTER, first),
                pipeline(image_size, global_scale, BYOL_JITTER, second, 0.2),
            ]
            + [pipeline(local_size, local_scale, BYOL_JITTER, local)] * num_local,
            image_size=image_size,
            local_size=local_size,
            num_local=num_local,
            global_scale=list(global_scale),
            local_scale=list(local_scale),
            blur=blur,
        )


@keras.saving.register_keras_serializable("tfssl")
class LeJEPAViews(Preset):
    """The views of LeJEPA and VISReg: large and small ones, all made alike.

    Args:
        image_size: int, side of the large views.
        local_size: int, side of the small views. Defaults to 3/7 of the large, to a
            multiple of 4.
        num_global, num_local: ints, numbers of large and small views. Default to 2
            and 6.
        global_scale, local_scale: tuples of floats, fractions of the image's area.
            Default to `(0.3, 1)` and `(0.05, 0.3)`.
        blur: bool. Defaults to True, and to False for large views up to 64 pixels.

    Raises:
        ValueError: for a negative number of views.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.LeJEPAViews(image_size=28, num_local=1)
        >>> [v.shape[1] for v in views(np.zeros((4, 32, 32, 3), "uint8"), seed=0)]
        [28, 28, 12]

    Source: Balestriero and LeCun 2025, arXiv 2511.08544, section 6.
    """

    def __init__(
        self,
        image_size,
        local_size=None,
        num_global=2,
        num_local=6,
        global_scale=(0.3, 1.0),
        local_scale=(0.05, 0.3),
        blur=None,
    ):
        check_count(0, num_global=num_global, num_local=num_local)
        if local_size is None:
            local_size = _local_size(image_size)
        if blur is None:
            blur = image_size > SMALL_IMAGE
        blurred = 0.5 if blur else 0.0
        large = pipeline(image_size, global_scale, BYOL_JITTER, blurred, 0.2)
        small = pipeline(local_size, local_scale, BYOL_JITTER, blurred, 0.2)
        super().__init__(
            [large] * num_global + [small] * num_local,
            image_size=image_size,
            local_size=local_size,
            num_global=num_global,
            num_local=num_local,
            global_scale=list(global_scale),
            local_scale=list(local_scale),
            blur=blur,
        )

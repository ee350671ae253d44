"""From a batch of images to batches of views."""

import keras
from keras import ops

from tfssl.views import transforms
from tfssl.views.random import RandomStream

# Up to this size images get no blur and half the colour jitter, as in the paper.
_SMALL = 64


@keras.saving.register_keras_serializable("tfssl")
class Views:
    """Views of images: each is what a list of random transforms makes of them.

    Args:
        pipelines: list of lists of transforms, one list for each view. A view may have
            another size than the next (multi-crop).

    Call arguments:
        images: tensor `[batch, height, width, 3]`, pixel values in [0, 255], uint8 or
            float.
        seed: int or integer tensor `[2]`; the views are a function of images and seed.
            By default it is drawn from the global seed of Keras.

    Returns:
        Tuple of float32 tensors `[batch, height, width, 3]`, pixel values in [0, 255].

    Raises:
        ValueError: if there is no pipeline.

    Example:
        >>> import numpy as np
        >>> from tfssl.views import RandomFlip, RandomResizedCrop, Views
        >>> views = Views(
        ...     [[RandomResizedCrop(32), RandomFlip()]] * 2 + [[RandomResizedCrop(16)]]
        ... )
        >>> [v.shape[1] for v in views(np.zeros((4, 40, 48, 3), "uint8"), seed=1)]
        [32, 32, 16]
    """

    def __init__(self, pipelines):
        if not pipelines:
            raise ValueError("pipelines must hold a list of transforms for each view.")
        self.pipelines = [list(pipeline) for pipeline in pipelines]

    @property
    def num_views(self):
        return len(self.pipelines)

    def __call__(self, images, seed=None):
        if seed is None:
            seed = keras.random.randint((2,), 0, 2**31 - 1)
        stream = RandomStream(seed)
        images = ops.cast(ops.convert_to_tensor(images), "float32") / 255.0
        views = []
        for pipeline in self.pipelines:
            view = images
            for transform in pipeline:
                view = transform(view, stream)
            # Sums of rounded weights can leave the range by the last bit.
            views.append(ops.clip(view * 255.0, 0.0, 255.0))
        return tuple(views)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {"pipelines": [[serialize(t) for t in p] for p in self.pipelines]}

    @classmethod
    def from_config(cls, config):
        make = keras.saving.deserialize_keras_object
        return cls([[make(t) for t in p] for p in config["pipelines"]])


class _Preset(Views):
    """Views with a recipe: the arguments of the constructor are the whole config."""

    def __init__(self, pipelines, **config):
        super().__init__(pipelines)
        self._config = config

    def get_config(self):
        return dict(self._config)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("tfssl")
class SimCLRViews(_Preset):
    """The views of SimCLR: crop, flip, colour jitter, grey, blur.

    Args:
        image_size: int, height and width of the views.
        strength: float that scales the colour jitter. Defaults to 1, and to 0.5 for
            views up to 64 pixels.
        blur: bool. Defaults to True, and to False for views up to 64 pixels.
        crop_scale: tuple of floats, smallest and largest share of the image in a view.
            Defaults to `(0.08, 1)`.
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
            strength = 0.5 if image_size <= _SMALL else 1.0
        if blur is None:
            blur = image_size > _SMALL
        pipeline = [
            transforms.RandomResizedCrop(image_size, crop_scale),
            transforms.RandomFlip(),
            _jitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength),
            transforms.RandomGrayscale(),
        ]
        if blur:
            pipeline.append(transforms.RandomGaussianBlur())
        super().__init__(
            [pipeline] * num_views,
            image_size=image_size,
            strength=strength,
            blur=blur,
            crop_scale=list(crop_scale),
            num_views=num_views,
        )


@keras.saving.register_keras_serializable("tfssl")
class MultiCropViews(_Preset):
    """Two large views and several small ones.

    Args:
        image_size: int, side of the large views.
        local_size: int, side of the small views. Defaults to 3/7 of the large.
        num_local: int, number of small views. Defaults to 6.
        global_scale, local_scale: tuples of floats, shares of the image's area.
            Default to `(0.14, 1)` and `(0.05, 0.14)`.
        strength: float that scales the colour jitter. Defaults to 1.
        blur: bool. Defaults to True.

    Source: Caron et al. 2020, arXiv 2006.09882, section 3.3.
    """

    def __init__(
        self,
        image_size,
        local_size=None,
        num_local=6,
        global_scale=(0.14, 1.0),
        local_scale=(0.05, 0.14),
        strength=1.0,
        blur=True,
    ):
        if local_size is None:
            local_size = round(image_size * 3 / 7)
        colors = [
            transforms.RandomFlip(),
            _jitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength),
            transforms.RandomGrayscale(),
        ]
        if blur:
            colors.append(transforms.RandomGaussianBlur())
        large = [transforms.RandomResizedCrop(image_size, global_scale), *colors]
        small = [transforms.RandomResizedCrop(local_size, local_scale), *colors]
        super().__init__(
            [large] * 2 + [small] * num_local,
            image_size=image_size,
            local_size=local_size,
            num_local=num_local,
            global_scale=list(global_scale),
            local_scale=list(local_scale),
            strength=strength,
            blur=blur,
        )


@keras.saving.register_keras_serializable("tfssl")
class DigitViews(_Preset):
    """Views that leave a handwritten digit what it is: no flip, no colour.

    Args:
        image_size: int, height and width of the views.
        crop_scale: tuple of floats, shares of the image's area. Defaults to
            `(0.4, 1)`.
        degrees: float, largest turn and shear to either side. Defaults to 12.
        brightness: float, of the colour jitter. Defaults to 0.4.

    Example:
        >>> import numpy as np, tfssl
        >>> views = tfssl.views.DigitViews(image_size=16)
        >>> views(np.zeros((4, 16, 16, 3), "uint8"), seed=0)[0].shape[1]
        16
    """

    def __init__(self, image_size, crop_scale=(0.4, 1.0), degrees=12.0, brightness=0.4):
        pipeline = [
            transforms.RandomAffine(degrees=degrees, shear=degrees),
            transforms.RandomResizedCrop(image_size, crop_scale),
            _jitter(brightness, brightness, 0.0, 0.0),
        ]
        super().__init__(
            [pipeline] * 2,
            image_size=image_size,
            crop_scale=list(crop_scale),
            degrees=degrees,
            brightness=brightness,
        )


def _jitter(brightness, contrast, saturation, hue):
    return transforms.ColorJitter(brightness, contrast, saturation, hue)

"""Random transforms: each image draws its own parameters.

A transform is called with float images `[batch, height, width, 3]` in [0, 1] and a
`RandomStream`, and returns such images. `p` is the fraction of images it is applied to.
"""

import math
import numbers

import keras
import numpy as np
from keras import ops

from tfssl.checks import check_count, check_fraction, check_not_negative
from tfssl.views import blur, color, geometry
from tfssl.views.base import Transform, between, draw, fraction, where

_TRIES = 10


@keras.saving.register_keras_serializable("tfssl")
class RandomResizedCrop(Transform):
    """Cuts out a random box and resizes it.

    The box is drawn as in torchvision: area uniform, logarithm of the aspect uniform,
    ten tries, then a centre crop of the whole image with the aspect clipped.

    Args:
        size: int or tuple `(height, width)` of the result.
        scale: tuple of floats, smallest and largest fraction of the area.
            Defaults to `(0.08, 1)`.
        ratio: tuple of floats, smallest and largest width / height.
            Defaults to `(3/4, 4/3)`.
        interpolation: "bicubic" (default) or "bilinear"; antialiased.

    Raises:
        ValueError: for a size below 1, fractions outside (0, 1], or another
            interpolation.

    Source: Szegedy et al. 2014, arXiv 1409.4842, section 6.
    """

    per_image = True

    def __init__(
        self, size, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), interpolation="bicubic"
    ):
        if not 0 < scale[0] <= scale[1] <= 1:
            raise ValueError(f"scale must be within (0, 1]. Received: scale={scale}")
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f"ratio must be positive. Received: ratio={ratio}")
        geometry.check_interpolation(interpolation)
        for side in size if isinstance(size, (list, tuple)) else (size,):
            check_count(size=side)
        self.size = int(size) if isinstance(size, numbers.Integral) else tuple(size)
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.interpolation = interpolation

    def __call__(self, images, stream):
        boxes = self.draw_boxes(images, stream)
        cut = geometry.crop_and_resize(images, boxes, self.size, self.interpolation)
        # Bicubic kernels overshoot at edges.
        return ops.clip(cut, 0.0, 1.0)

    def output_size(self, height, width):
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    def draw_boxes(self, images, stream):
        """Boxes `[batch, 4]`: top, left, height, width in whole pixels."""
        height, width = images.shape[1:3]
        numbers = stream.uniform((ops.shape(images)[0], 2 * _TRIES + 2))
        area = height * width * between(numbers[:, :_TRIES], *self.scale)
        low, high = (math.log(r) for r in self.ratio)
        aspect = ops.exp(between(numbers[:, _TRIES:-2], low, high))
        box_width = ops.round(ops.sqrt(area * aspect))
        box_height = ops.round(ops.sqrt(area / aspect))
        fits = (
            (box_width > 0)
            & (box_width <= width)
            & (box_height > 0)
            & (box_height <= height)
        )
        first = ops.one_hot(ops.argmax(fits, axis=1), _TRIES, dtype="float32")
        any_fits = ops.any(fits, axis=1)
        whole_height, whole_width = self._whole(height, width)
        box_height = ops.where(
            any_fits, ops.sum(first * box_height, axis=1), float(whole_height)
        )
        box_width = ops.where(
            any_fits, ops.sum(first * box_width, axis=1), float(whole_width)
        )

        def start(room, number):
            drawn = ops.floor(number * (room + 1.0))
            return ops.where(any_fits, ops.minimum(drawn, room), ops.floor(room / 2))

        top = start(height - box_height, numbers[:, -2])
        left = start(width - box_width, numbers[:, -1])
        return ops.stack([top, left, box_height, box_width], axis=1)

    def _whole(self, height, width):
        """The largest box with an allowed aspect."""
        if width / height < self.ratio[0]:
            return min(round(width / self.ratio[0]), height), width
        if width / height > self.ratio[1]:
            return height, min(round(height * self.ratio[1]), width)
        return height, width


@keras.saving.register_keras_serializable("tfssl")
class RandomFlip(Transform):
    """Mirrors images left to right.

    Args:
        p: float. Defaults to 0.5.
    """

    per_image = True

    def __init__(self, p=0.5):
        self.p = fraction(p)

    def __call__(self, images, stream):
        (number,) = draw(images, stream, 1)
        return geometry.flip(images, number < self.p)


@keras.saving.register_keras_serializable("tfssl")
class RandomAffine(Transform):
    """Turns, shears and shifts images; what comes from outside is `fill`.

    Args:
        degrees: float, largest turn to either side. Defaults to 10.
        shear: float, largest shear to either side, in degrees. Defaults to 10.
        shift: float, largest shift to either side, as a fraction of the image's side.
            Defaults to 0.
        fill: float in [0, 1]. Defaults to 0.
        p: float. Defaults to 1.

    Raises:
        ValueError: for a fill outside [0, 1].
    """

    per_image = True

    def __init__(self, degrees=10.0, shear=10.0, shift=0.0, fill=0.0, p=1.0):
        check_fraction(fill=fill)
        self.degrees = degrees
        self.shear = shear
        self.shift = shift
        self.fill = fill
        self.p = fraction(p)

    def __call__(self, images, stream):
        height, width = images.shape[1:3]
        limits = (
            math.radians(self.degrees),
            math.radians(self.shear),
            self.shift * width,
            self.shift * height,
        )
        *numbers, number = draw(images, stream, 5)
        matrices = geometry.affine_matrices(
            *(
                between(n, -limit, limit)
                for n, limit in zip(numbers, limits, strict=True)
            )
        )
        warped = geometry.affine(images, matrices, self.fill)
        return where(number < self.p, warped, images)


@keras.saving.register_keras_serializable("tfssl")
class ColorJitter(Transform):
    """Changes brightness, contrast, saturation and hue, in random order an image.

    Factors are uniform in `[max(0, 1 - x), 1 + x]`, the hue's turn in `[-x, x]` of the
    colour circle. Brightness multiplies. Values are clipped after each of the four.

    Args:
        brightness, contrast, saturation, hue: floats `x`, not negative.
        p: float. Defaults to 0.8.

    Raises:
        ValueError: for a negative strength.

    Source: Chen et al. 2020, arXiv 2002.05709, appendix A; the operators are those of
    torchvision, with the hue turned in YIQ as in tensorflow-addons.
    """

    per_image = True

    def __init__(self, brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, p=0.8):
        check_not_negative(
            brightness=brightness, contrast=contrast, saturation=saturation, hue=hue
        )
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.p = fraction(p)

    def __call__(self, images, stream):
        *numbers, number = draw(images, stream, 9)
        brightness, contrast, saturation = (
            between(n, max(0.0, 1.0 - x), 1.0 + x)
            for n, x in zip(
                numbers[:3],
                (self.brightness, self.contrast, self.saturation),
                strict=True,
            )
        )
        turn = between(numbers[3], -self.hue, self.hue)
        matrices = ops.stack(
            [
                color.brightness_matrix(brightness),
                color.brightness_matrix(contrast),
                color.saturation_matrix(saturation),
                color.hue_matrix(turn),
            ],
            axis=1,
        )
        order = ops.argsort(ops.stack(numbers[4:], axis=1), axis=1)
        on = ops.cast(number < self.p, "float32")[:, None]
        maps = []
        for turn in range(4):
            # Images without jitter choose none of the four: the identity.
            chosen = on * ops.one_hot(order[:, turn], 4, dtype="float32")
            matrix = ops.einsum("bk,bkij->bij", chosen, matrices)
            matrix = matrix + (1.0 - on)[:, :, None] * np.eye(3, dtype="float32")
            # Only contrast looks at the image: it blends with its mean grey.
            maps.append((matrix, chosen[:, 1] * (1.0 - contrast)))
        return color.color_maps(images, maps)


@keras.saving.register_keras_serializable("tfssl")
class RandomGrayscale(Transform):
    """Takes the colour out of images.

    Args:
        p: float. Defaults to 0.2.
    """

    per_image = True

    def __init__(self, p=0.2):
        self.p = fraction(p)

    def __call__(self, images, stream):
        (number,) = draw(images, stream, 1)
        return where(number < self.p, color.grayscale(images), images)


@keras.saving.register_keras_serializable("tfssl")
class RandomGaussianBlur(Transform):
    """Blurs images.

    Args:
        sigma: tuple of floats, smallest and largest width in pixels.
            Defaults to `(0.1, 2)`.
        kernel_size: odd int; defaults to a tenth of the image's height.
        p: float. Defaults to 0.5.

    Raises:
        ValueError: for an even kernel.
    """

    per_image = True

    def __init__(self, sigma=(0.1, 2.0), kernel_size=None, p=0.5):
        if kernel_size is not None:
            check_count(kernel_size=kernel_size)
            if kernel_size % 2 == 0:
                raise ValueError(
                    "kernel_size must be odd, so that a pixel is in its middle. "
                    f"Received: kernel_size={kernel_size}"
                )
        self.sigma = tuple(sigma)
        self.kernel_size = kernel_size
        self.p = fraction(p)

    def __call__(self, images, stream):
        width, number = draw(images, stream, 2)
        sigma = between(width, *self.sigma)
        return blur.gaussian_blur(images, sigma, self.kernel_size, number < self.p)


@keras.saving.register_keras_serializable("tfssl")
class RandomSolarize(Transform):
    """Inverts the bright pixels of images.

    Args:
        threshold: float in [0, 1]. Defaults to 0.5.
        p: float. Defaults to 0.2.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    per_image = True

    def __init__(self, threshold=0.5, p=0.2):
        check_fraction(threshold=threshold)
        self.threshold = threshold
        self.p = fraction(p)

    def __call__(self, images, stream):
        (number,) = draw(images, stream, 1)
        return where(number < self.p, color.solarize(images, self.threshold), images)

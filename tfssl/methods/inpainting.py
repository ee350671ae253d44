"""Filling holes of images with a trained Context Encoder, and showing it."""

import math

import numpy as np
from keras import ops

from tfssl.training import fit_images
from tfssl.views import masks

_SHOWN = 12
# Pixels, of 64 images at the most, that are filled at a time.
_PIXELS = 2**18


def _errors(a, b):
    """PSNR in dB, and mean absolute difference as a fraction of the range."""
    mse = np.mean(np.square(a - b))
    psnr = 10 * math.log10(255**2 / mse) if mse else math.inf
    return psnr, np.mean(np.abs(a - b)) / 255


class Inpainting:
    """Mixin of `ContextEncoder`: what it does when it is trained."""

    def inpaint(self, images, mask=None):
        """Fills holes of images.

        Args:
            images: `[batch, size, size, 3]`, pixel values in [0, 255].
            mask: array `[size, size]` or `[batch, size, size]`, 1 or True for what is
                to be filled. Defaults to the central hole. A model that learned
                `hole="center"` fills nothing else.

        Returns:
            float32 array of the images' shape; outside the hole they are the images.

        Raises:
            ValueError: for a mask that the model cannot fill, or of another shape.
        """
        images = np.asarray(images, "float32")
        size = self.image_size
        if mask is None:
            mask = self._center()
        elif self.hole == "center":
            raise ValueError(
                'A model with hole="center" fills its central hole only; leave out the '
                'mask, or train with hole="blocks". Received: a mask'
            )
        mask = np.asarray(mask, "float32")
        mask = mask if mask.ndim == 4 else mask.reshape(-1, *mask.shape[-2:], 1)
        if mask.shape[1:] != (size, size, 1) or len(mask) not in (1, len(images)):
            raise ValueError(
                f"The mask must be [{size}, {size}] or one for each of the "
                f"{len(images)} images. Received: shape {mask.shape}"
            )
        mask = np.broadcast_to(mask, (len(images), *mask.shape[1:]))
        count = min(max(_PIXELS // size**2, 1), 64)
        fillings = [
            ops.convert_to_numpy(
                self.fillings(images[i : i + count], mask[i : i + count])
            )
            for i in range(0, len(images), count)
        ]
        filling = np.concatenate(fillings)
        filled = images.copy()
        self.framed(filled)[...] = np.clip((filling + 1.0) * 127.5, 0.0, 255.0)
        return np.where(mask > 0, filled, images)

    def _center(self):
        """The central hole, as nearly as the side allows: `[1, size, size, 1]`."""
        rest = self.image_size % 4
        margin = self.overlap if self.hole == "center" else 0
        mask = masks.center_mask(self.image_size - rest, margin)
        return np.pad(mask, ((0, 0), (0, rest), (0, rest), (0, 0)))

    def figures(self, images):
        """Images, their holes and fillings, with the error of the fillings."""
        images = fit_images(np.asarray(images), (self.image_size,) * 2)
        images = np.asarray(ops.convert_to_numpy(images), "float32")
        if self.hole == "center":
            mask = self._center()
        else:
            mask = ops.convert_to_numpy(self.masks(len(images)))
        holes = ops.convert_to_numpy(self.hidden_images(images[:_SHOWN], mask[:_SHOWN]))
        given = None if self.hole == "center" else mask
        filled = self.inpaint(images, given)
        inside = np.broadcast_to(mask > 0, images.shape)
        mean = images.mean(axis=(0, 1, 2)) + np.zeros_like(images)
        numbers = [
            f"{what}: PSNR {psnr:.2f} dB, L1 {l1:.2%}"
            for what, (psnr, l1) in {
                "fillings": _errors(filled[inside], images[inside]),
                "the mean colour": _errors(mean[inside], images[inside]),
            }.items()
        ]
        rows = [
            [("original", image), ("hole", hole), ("filling", filling)]
            for image, hole, filling in zip(
                images[:_SHOWN], holes[:_SHOWN], filled[:_SHOWN], strict=True
            )
        ]
        caption = f"In the holes of {len(images)} images, {'; '.join(numbers)}."
        return [("What it fills in", caption, rows)]

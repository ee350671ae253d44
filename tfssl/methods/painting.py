"""Showing what MAE paints."""

import numpy as np
from keras import ops

from tfssl import encoders, layers
from tfssl.training import fit_images, input_size

_SHOWN = 12


class Painting:
    """Mixin of `MAE`: the pictures of its report."""

    def figures(self, images):
        """Images, what is seen of them, and what the decoder makes of the rest."""
        images = fit_images(np.asarray(images[:_SHOWN]), input_size(self.encoder))
        images = ops.cast(images, "float32")
        seen, hidden = self.masks(len(images))
        predicted = self.predict_patches(images, seen, hidden)
        patches = self.scaled_patches(images)
        if self.normalize_targets:
            mean, std = (
                ops.take_along_axis(each, hidden[:, :, None], axis=1)
                for each in layers.patch_statistics(patches)
            )
            predicted = predicted * std + mean
        known = ops.convert_to_numpy(layers.patchify(images, self.patch_size))
        painted, masked = known.copy(), known.copy()
        rows, hidden = np.arange(len(known))[:, None], ops.convert_to_numpy(hidden)
        painted[rows, hidden] = self._pixels(ops.convert_to_numpy(predicted))
        masked[rows, hidden] = 127.5
        columns = {"original": known, "seen": masked, "painted": painted}
        shown = {
            caption: ops.convert_to_numpy(layers.unpatchify(each, self.grid))
            for caption, each in columns.items()
        }
        pictures = [
            [(caption, each[i]) for caption, each in shown.items()]
            for i in range(len(known))
        ]
        caption = (
            f"{self.kept} of {self.num_patches} patches are seen; the others are what "
            "the decoder makes of them"
        )
        if self.normalize_targets:
            caption += ", with the true mean and contrast of each patch"
        return [("What it paints", f"{caption}.", pictures)]

    def _pixels(self, patches):
        """From the scale of the encoder to pixel values in [0, 255]."""
        scaling = encoders.part(self.encoder, "pixel_scaling")
        colors = patches.reshape(*patches.shape[:2], -1, 3)
        pixels = (colors - np.asarray(scaling.offset)) / np.asarray(scaling.scale)
        return np.clip(pixels, 0.0, 255.0).reshape(patches.shape)

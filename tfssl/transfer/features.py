"""Features of an image set."""

import math

import keras
import numpy as np
from tqdm import tqdm

from tfssl import replicas
from tfssl.layers.fused import hastened
from tfssl.methods import Method
from tfssl.training import (
    Batches,
    StreamedImages,
    check_images,
    fit_images,
    input_size,
)
from tfssl.training.batches import telling
from tfssl.transfer.layers import feature_model

# Images at a time, and pixels: what holds the activations of 500 images of 90 pixels
# holds those of 83 of 224.
_IMAGES, _PIXELS = 500, 2**22
# Batches of which Keras holds what the model gives.
_BATCHES = 32


def features(encoder, images, batch_size=None, verbose=0, *, layer=None, pool=None):
    """Features of images, in inference mode; the encoder is not changed.

    Args:
        encoder: `keras.Model` from images to features `[batch, dim]` or to a feature
            map, which is average-pooled; a `tfssl.methods.Method` too.
        images: array `[n, height, width, 3]`, pixel values in [0, 255], in memory, a
            `np.memmap` or `tfssl.training.StreamedImages`, which are read in batches.
            Images of another size than the encoder's are brought to it by
            `tfssl.training.fit_images`, a batch at a time.
        batch_size: int, images that go through the encoder together. Defaults to 500,
            and to fewer where they are large: 83 at 224 pixels.
        verbose: 0 or 1, whether to show a progress bar. Defaults to 0.
        layer: string or list of strings, layers of a functional encoder to take the
            features of instead of its output, and
        pool: "mean", "max", "grid2" or None, what becomes of their maps: see
            `feature_model`. Default to None.

    Returns:
        float32 NumPy array `[n, dim]`.

    Raises:
        ValueError: for images of another shape or range, and as `feature_model`.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet18(16, stem="small", width=4)
        >>> tfssl.transfer.features(encoder, np.zeros((3, 24, 40, 3), "uint8")).shape
        (3, 32)
    """
    if layer is not None or pool is not None:
        encoder = feature_model(encoder, layer, pool)
    return _predicted(encoder, images, batch_size, verbose, _means_of_maps)


def predict(model, images, batch_size=None, verbose=0):
    """What a model of images gives, in inference mode, such as a classifier's logits.

    Args:
        model, images, batch_size, verbose: as in `features`.

    Returns:
        float32 NumPy array `[n, ...]`.

    Raises:
        ValueError: as `features`.
    """
    return _predicted(model, images, batch_size, verbose)


def _predicted(model, images, batch_size, verbose, kept=np.asarray):
    """What is `kept` of what a model gives, piece by piece.

    Keras holds what all batches of a call give, on the device and once more when it
    joins them.
    """
    images = check_images(images)
    size = image_size_of(model)
    if batch_size is None:
        height, width = (a or b for a, b in zip(size, images.shape[1:3], strict=True))
        batch_size = min(max(_PIXELS // (height * width), 1), _IMAGES)
    found = None
    with tqdm(total=len(images), unit="image", disable=not verbose) as bar:
        for start in range(0, len(images), batch_size * _BATCHES):
            rows = slice(start, start + batch_size * _BATCHES)
            streamed = isinstance(images, StreamedImages)
            piece = images.subset(rows) if streamed else images[rows]
            batches = _FittedBatches(piece, size, batch_size, replicas.devices())
            with telling(batches), hastened():
                out = kept(model.predict(batches, verbose=0)[: len(piece)])
            if found is None:
                found = np.empty((len(images), *out.shape[1:]), "float32")
            found[rows] = out
            bar.update(len(piece))
    return found


def _means_of_maps(features):
    return features.mean(axis=(1, 2)) if features.ndim == 4 else features


def image_size_of(model):
    """Height and width of the images that a model, or a method's encoder, takes."""
    return input_size(model.encoder if isinstance(model, Method) else model)


class _FittedBatches(Batches):
    """Images in their order, each batch brought to the size of the model's input.

    So many `devices` share out each: the last one is filled up with its last image.
    """

    def __init__(self, images, size, batch_size, devices=1):
        super().__init__(
            images,
            batch_size=math.ceil(batch_size / devices) * devices,
            shuffle=False,
            drop_remainder=False,
        )
        self.size, self.devices = size, devices

    def _batch(self, order, index):
        batch = super()._batch(order, index)
        missing = -len(batch) % self.devices
        if missing:
            batch = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
        return keras.ops.convert_to_numpy(fit_images(batch, self.size))

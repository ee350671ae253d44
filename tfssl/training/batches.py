"""Batches of an array, in an order that a resumed run repeats."""

import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    """Batches of images whose order depends on the seed and the epoch only.

    A `tf.data` shuffle starts over when a run is resumed; this does not: epoch 7 has
    the same order whether or not epochs 0 to 6 were seen before. `Method.fit` starts
    each epoch; in a `fit` of your own, pass `FollowEpochs(batches)` as a callback.

    Args:
        images: array `[n, height, width, channels]`, in memory or memory-mapped.
        labels: array `[n]` or None; with labels a batch is `(images, labels)`.
        batch_size: int.
        seed: int. Defaults to 0.
        epoch: int, the first epoch, counted from 0.
        shuffle: bool. Defaults to True.
        drop_remainder: bool, whether images that do not fill the last batch are left
            out of the epoch. Defaults to True.

    Raises:
        ValueError: if there are fewer images than a batch, or images and labels are
            not equally many.

    Example:
        >>> import numpy as np, tfssl
        >>> batches = tfssl.data.Batches(np.zeros((10, 8, 8, 3), "uint8"), batch_size=4)
        >>> len(batches), batches[0].shape
        (2, (4, 8, 8, 3))
    """

    def __init__(
        self,
        images,
        labels=None,
        *,
        batch_size,
        seed=0,
        epoch=0,
        shuffle=True,
        drop_remainder=True,
    ):
        super().__init__()
        if labels is not None and len(labels) != len(images):
            raise ValueError(
                "images and labels must be equally many. Received: "
                f"{len(images)} images, {len(labels)} labels"
            )
        if batch_size < 1 or (drop_remainder and batch_size > len(images)):
            raise ValueError(
                "batch_size must be between 1 and the number of images, "
                f"{len(images)}. Received: batch_size={batch_size}"
            )
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.drop_remainder = drop_remainder
        self.start(epoch)

    def start(self, epoch):
        """Takes up the order of an epoch, counted from 0."""
        self.epoch = epoch
        if self.shuffle:
            random = np.random.default_rng([self.seed, epoch])
            self._order = random.permutation(len(self.images))
        else:
            self._order = np.arange(len(self.images))

    def __len__(self):
        full, rest = divmod(len(self.images), self.batch_size)
        return full + (rest > 0 and not self.drop_remainder)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.images[rows]
        return images if self.labels is None else (images, self.labels[rows])


class FollowEpochs(keras.callbacks.Callback):
    """Gives each epoch of `fit` its own order of `Batches`.

    `PyDataset.on_epoch_end` would not do: Keras also calls it before the first epoch,
    and not equally often on all backends.

    Args:
        batches: the `Batches` that `fit` trains on.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start(epoch)


def check_images(images):
    """The images, if they are `[n, height, width, 3]` with pixel values in [0, 255].

    Args:
        images: array or tensor of a batch, or of all images.

    Returns:
        NumPy array, not copied if it was one.

    Raises:
        ValueError: naming what was received and the remedy.
    """
    images = images if isinstance(images, np.ndarray) else np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) == 0:
        raise ValueError(
            "Images must be [batch, height, width, 3]. Received: shape "
            f"{images.shape}. Grey images are repeated with np.repeat(images, 3, -1)."
        )
    if images.dtype == np.uint8:
        return images
    sample = images[:_SAMPLE]
    low, high = float(sample.min()), float(sample.max())
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 255):
        raise ValueError(
            "Pixel values must be in [0, 255]. Received: values from "
            f"{low:.4g} to {high:.4g}. Undo any standardisation; encoders carry their "
            "own."
        )
    # An all-black sample is a legal, if useless, batch.
    if 0 < high <= 1:
        raise ValueError(
            "Pixel values must be in [0, 255]. Received: floats that never exceed 1. "
            "Multiply the images by 255."
        )
    return images


# Enough to see the range without reading a memory-mapped array whole.
_SAMPLE = 1024

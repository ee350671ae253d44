"""Batches of images that are decoded on the fly.

Why neither grain nor tf.data. All that a stream must know is which images are in batch
i of epoch e, and `Batches`, a `keras.utils.PyDataset`, knows it already: it is a
function of (seed, e, i), by which runs in memory go on, too. So only the array had to
become one that decodes the rows it is asked for, and a streamed run takes the steps of
one in memory, bit for bit. grain gives the same order, state and threads, and processes
besides, but as a second way beside the first; a native package more, and its iterator's
state in each checkpoint. tf.data cannot start in the middle of an epoch without reading
up to there, decodes fewer formats and other pixels than Pillow, and needs TensorFlow
beside JAX.
"""

from tfssl.data.loading import load
from tfssl.training.batches import Batches


class Stream(Batches):
    """`Batches` of a `tfssl.data.ImageData` whose images are read when they are needed.

    Args:
        data: `tfssl.data.ImageData`.
        with_labels: bool, whether batches are `(images, labels)`.
        **kwargs: as `Batches`.
    """

    def __init__(self, data, *, with_labels=False, **kwargs):
        if with_labels:
            data.require_labels()
        super().__init__(data.images, data.labels if with_labels else None, **kwargs)
        self.data = data


def stream(
    name,
    split="train",
    *,
    batch_size,
    image_size=None,
    seed=0,
    epoch=0,
    start=0,
    shuffle=True,
    drop_remainder=True,
    with_labels=False,
    with_index=False,
    data_dir=None,
    max_corrupt=0.01,
    labels=None,
    unlabelled="refuse",
    test_fraction=None,
    hold_out=None,
):
    """Batches of images that no memory holds: files are decoded when they are needed.

    Epoch e goes through the images in an order that depends on the seed and on e only,
    the one of `Batches` in memory. A run that goes on at a step of it,
    `fit(..., initial_epoch=e, initial_step=i)`, sees what an unbroken one sees. Files
    are decoded in a thread per core, two batches ahead.

    Args:
        name: `"folder:DIR"` or `"tfds:NAME"`, see `tfssl.data.load`.
        split: `"train"`, `"test"` or another split that the set has.
        batch_size: int, images in a batch (over all replicas).
        image_size: int, side in pixels to which all images are fitted, whatever their
            sizes. Defaults to 256, and for tfds sets of one size to that.
        seed: int, of the order. Defaults to 0.
        epoch, start: ints, the epoch to begin with, and batches of it to leave out.
            Default to 0.
        shuffle: bool; if not, each epoch is in the order of the files. Defaults to
            True.
        drop_remainder: bool, whether the last images of an epoch are left out when they
            do not fill a batch. Defaults to True.
        with_labels: bool, whether batches are `(images, labels)`. Defaults to False.
        with_index: bool, whether batches are `{"images": ..., "index": ...}`, for
            methods with a memory bank. Defaults to False.
        data_dir, max_corrupt, labels, unlabelled, test_fraction, hold_out: as for
            `tfssl.data.load`; in the place of a corrupt file, once it is met, stands
            the next of its class.

    Returns:
        `Batches` of uint8 images, for `fit` and for loops of one's own. `.data` is the
        `tfssl.data.ImageData`: labels, names, paths, and images for
        `tfssl.transfer.features`.

    Raises:
        ValueError, FileNotFoundError: as `load`; for sets that are not streamed, fewer
            images than a batch, or labels that are asked for and missing.
        CorruptImagesError: while reading, at one corrupt file too many.

    Example:
        >>> import os, tfssl
        >>> from PIL import Image
        >>> os.mkdir("photos")
        >>> for i in range(10):
        ...     Image.new("RGB", (40 + i, 30), (i, 0, 0)).save(f"photos/{i}.jpg")
        >>> batches = tfssl.data.stream("folder:photos", image_size=16, batch_size=4)
        >>> len(batches), batches[0].shape
        (2, (4, 16, 16, 3))
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> tfssl.transfer.features(encoder, batches.data.images).shape
        (10, 32)
    """
    data = load(
        name,
        split,
        image_size=image_size,
        data_dir=data_dir,
        max_corrupt=max_corrupt,
        labels=labels,
        unlabelled=unlabelled,
        test_fraction=test_fraction,
        hold_out=hold_out,
        stream=True,
    )
    return Stream(
        data,
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
        start=start,
        shuffle=shuffle,
        drop_remainder=drop_remainder,
        with_labels=with_labels,
        with_index=with_index,
    )

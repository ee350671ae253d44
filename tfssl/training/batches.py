"""Batches in an order that a restarted run can find again."""

import contextlib
import functools

import keras
import numpy as np

# The class that `fit` takes "as a custom data adapter"; Keras gives it no public name.
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from tfssl.checks import check_count
from tfssl.training.read_ahead import ahead
from tfssl.training.streamed_images import StreamedImages


class Batches(keras.utils.PyDataset, DataAdapter):
    """Shuffled batches of an array; the order is a function of seed and epoch only.

    Epoch `e` goes through the images in the order
    `np.random.default_rng([seed, e]).permutation(n)`. `fit` starts with `epoch` and
    every completed epoch adds one to it, so that a run restarted with `epoch=k` and
    `fit(..., initial_epoch=k)` sees what an unbroken run sees from there on.

    Why this is more than a `PyDataset`: `fit` wraps a `PyDataset` in an adapter that
    shuffles the batches once more with Python's global generator (`shuffle=True` is the
    default), that reads ahead across the ends of epochs when it has several workers,
    and that calls `on_epoch_end` before the first epoch, too. `Batches` is its own
    adapter: `shuffle` and `batch_size` of `fit` do not reach it.

    A loop of one's own counts for itself: `for batch in batches` goes through epoch
    `batches.epoch`, which may be set.

    Streamed images are read a batch or two ahead, in threads of their own.

    Args:
        images: array `[N, H, W, C]`, in memory or a `np.memmap`, or `StreamedImages`.
        labels: array `[N]`, or None.
        batch_size: images in a batch (over all replicas).
        seed: non-negative int.
        epoch: non-negative int, the epoch to begin with.
        start: non-negative int, batches of that epoch to leave out, because a run that
            goes on has had them. Defaults to 0.
        shuffle: whether to shuffle. If not, every epoch is in the order of the array.
        drop_remainder: whether to leave out the last images of an epoch when they do
            not fill a batch.
        with_index: whether each image comes with its position in the array, int32.

    Returns:
        `batches[i]` is the `i`-th batch of the current epoch: images,
        `(images, labels)`, or `{"images": ..., "index": ...}`.

    Raises:
        ValueError: when the arrays do not match, or hold less than one batch.

    Example:
        >>> from tfssl.data import Batches, load
        >>> data = load("digits")
        >>> batches = Batches(data.images, data.labels, batch_size=256, seed=1)
        >>> len(batches)
        5
        >>> images, labels = batches[0]
        >>> images.shape, labels.shape
        ((256, 16, 16, 3), (256,))
    """

    def __init__(
        self,
        images,
        labels=None,
        *,
        batch_size,
        seed=0,
        epoch=0,
        start=0,
        shuffle=True,
        drop_remainder=True,
        with_index=False,
    ):
        super().__init__()
        if getattr(images, "ndim", None) != 4 or len(images) == 0:
            raise ValueError(
                "images must be an array [N, height, width, channels] with N > 0. "
                f"Received: {type(images).__name__}, shape {np.shape(images)}."
            )
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"{len(images)} images but {len(labels)} labels.")
        check_count(batch_size=batch_size)
        check_count(0, seed=seed, epoch=epoch, start=start)
        if labels is not None and with_index:
            raise ValueError("Batches have labels or an index, not both.")
        if drop_remainder and batch_size > len(images):
            raise ValueError(
                f"{len(images)} images do not fill one batch of {batch_size}. Choose "
                "a smaller batch_size, or drop_remainder=False."
            )
        self.images = images
        self.labels = None if labels is None else np.asarray(labels)
        self.seed = seed
        self.epoch = epoch
        self._start = (epoch, start)
        self.shuffle = shuffle
        self.drop_remainder = drop_remainder
        self.with_index = with_index
        self._batch_size = batch_size
        self._order = None  # (epoch, permutation)
        self._in_epoch = False
        # Places in a batch whose images this process needs, where several share it out;
        # of streamed images the others stay black. None for all.
        self.own = None
        # What a pass broke off with. TensorFlow tells of it in words only.
        self.failure = None

    def __len__(self):
        full, rest = divmod(len(self.images), self._batch_size)
        return full if self.drop_remainder or not rest else full + 1

    def __getitem__(self, index):
        return self._batch(self._epoch_order(), range(len(self))[index])

    def __iter__(self):
        order = self._epoch_order()
        epoch, start = self._start
        calls = (
            functools.partial(self._batch, order, index)
            for index in range(start if epoch == self.epoch else 0, len(self))
        )
        if isinstance(self.images, StreamedImages):
            yield from ahead(calls)
        else:
            yield from (call() for call in calls)

    def go_on(self, epoch, start=0):
        """Stands where a run goes on.

        Args:
            epoch: non-negative int, the epoch.
            start: non-negative int, batches of it to leave out. Defaults to 0.
        """
        check_count(0, epoch=epoch, start=start)
        self.epoch = epoch
        self._start = (epoch, start)

    def _epoch_order(self):
        if not self.shuffle:
            return np.arange(len(self.images))
        epoch = self.epoch
        if self._order is None or self._order[0] != epoch:
            generator = np.random.default_rng([self.seed, epoch])
            self._order = epoch, generator.permutation(len(self.images))
        return self._order[1]

    def _batch(self, order, index):
        start = index * self._batch_size
        chosen = order[start : start + self._batch_size]
        images = self._images(chosen)
        if self.with_index:
            return {"images": images, "index": chosen.astype("int32")}
        return images if self.labels is None else (images, self.labels[chosen])

    def _images(self, rows):
        if self.own is None or not isinstance(self.images, StreamedImages):
            return np.asarray(self.images[rows])
        images = np.zeros((len(rows), *self.images.shape[1:]), self.images.dtype)
        images[self.own] = self.images[rows[self.own]]
        return images

    # What `fit`, `evaluate` and `predict` ask of a data adapter.

    @property
    def batch_size(self):
        return self._batch_size

    @property
    def num_batches(self):
        # Keras reads this when `fit` starts and again right before the `on_epoch_end`
        # that discards the batch a model may have been built with. Our own code takes
        # len(), so that an epoch in which this is read is none of training.
        self._in_epoch = False
        return len(self)

    @property
    def has_partial_batch(self):
        return self.partial_batch_size is not None

    @property
    def partial_batch_size(self):
        rest = len(self.images) % self._batch_size
        return None if self.drop_remainder or not rest else rest

    def on_epoch_begin(self):
        self._in_epoch = True

    def on_epoch_end(self):
        self.epoch += self._in_epoch
        self._in_epoch = False

    def _tuples(self):
        """One pass over the epoch that is current when the pass begins."""
        self.failure = None
        try:
            for batch in self:
                yield _as_tuple(batch)
        except Exception as error:
            self.failure = error
            raise

    def _example(self):
        """A batch, for its shapes and types."""
        return _as_tuple(self._batch(np.arange(len(self.images)), 0))

    def get_numpy_iterator(self):
        return self._tuples()

    def get_jax_iterator(self):
        return self._tuples()

    def get_tf_dataset(self):
        import tensorflow as tf

        signature = tf.nest.map_structure(
            lambda array: tf.TensorSpec(array.shape, array.dtype), self._example()
        )
        if not self.drop_remainder:
            signature = tf.nest.map_structure(
                lambda spec: tf.TensorSpec((None, *spec.shape[1:]), spec.dtype),
                signature,
            )
        dataset = tf.data.Dataset.from_generator(
            self._tuples, output_signature=signature
        )
        # Nothing here is to be tuned. The thread that would do it sleeps for seconds,
        # and the end of an epoch may wait until it wakes up.
        options = tf.data.Options()
        options.autotune.enabled = False
        return dataset.prefetch(2).with_options(options)


def _as_tuple(batch):
    return batch if isinstance(batch, tuple) else (batch,)


@contextlib.contextmanager
def telling(feed):
    """Raises what reading `Batches` failed with, and not what TensorFlow says of it.

    Args:
        feed: what `fit` goes through.
    """
    try:
        yield
    except Exception as error:
        failure = getattr(feed, "failure", None)
        if failure is None or failure is error:
            raise
        raise failure from error

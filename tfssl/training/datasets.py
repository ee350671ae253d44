"""Arrays, `tf.data` sets and `PyDataset`s, as `fit` takes them."""

import keras
import numpy as np
from keras import ops

from tfssl.training.streamed_images import StreamedImages

# What tf.data says of the length of a set.
_INFINITE, _UNKNOWN = -1, -2


def is_array(x):
    """Whether `x` is an array, a tensor, or what is read like an array."""
    return ops.is_tensor(x) or isinstance(x, (np.ndarray, StreamedImages))


def is_tf_data(x):
    """Whether `x` is a `tf.data.Dataset`."""
    # By its name: beside JAX, TensorFlow need not be installed.
    return type(x).__module__.startswith("tensorflow.") and hasattr(x, "take")


def is_data_set(x):
    """Whether `x` gives batches by itself."""
    return isinstance(x, keras.utils.PyDataset) or is_tf_data(x)


def held_out(x, y, fraction):
    """Splits off the last part of an array, as Keras does.

    Args:
        x: array of images.
        y: array of labels, or None.
        fraction: float within (0, 1), of the images that are held out.

    Returns:
        Tuple of images and labels to train on, and `(images, labels)` held out.

    Raises:
        ValueError: for a data set, or a fraction out of range.
    """
    if not is_array(x) or not 0 < fraction < 1:
        raise ValueError(
            "validation_split is a fraction within (0, 1) of an array of images; hold "
            "out a part of a data set yourself, as validation_data. Received: "
            f"validation_split={fraction}, {type(x).__name__}"
        )
    split = int(len(x) * (1 - fraction))
    labels = (None, None) if y is None else (y[:split], y[split:])
    if isinstance(x, StreamedImages):
        images = x.subset(slice(split)), x.subset(slice(split, None))
    else:
        images = x[:split], x[split:]
    return images[0], labels[0], (images[1], labels[1])


def steps_per_epoch(x, name="steps_per_epoch"):
    """Batches in an epoch, or None where a data set does not say.

    Args:
        x: `keras.utils.PyDataset` or `tf.data.Dataset`.
        name: string, the argument that gives data an end. Defaults to
            "steps_per_epoch".

    Raises:
        ValueError: for data without an end.
    """
    if isinstance(x, keras.utils.PyDataset):
        count = x.num_batches
        endless = count is None
    else:
        # Of a filtered set, that of the set that is filtered.
        count = int(getattr(x, "full_cardinality", x.cardinality()))
        endless = _is_endless(x, count)
    if endless:
        raise ValueError(
            f"This data set has no end; give {name}, so that there is one. Received: "
            f"{type(x).__name__} without an end"
        )
    return None if count < 0 else count


def _is_endless(dataset, count):
    """Whether a `tf.data.Dataset` that says to have `count` batches has no end."""
    # A filtered or flattened set does not know, even if what it is made from has no
    # end. Only to take some of a set ends it.
    while count == _UNKNOWN and "Take" not in type(dataset).__name__:
        inputs = dataset._inputs()
        if len(inputs) != 1:
            return False
        (dataset,) = inputs
        count = int(dataset.cardinality())
    return count == _INFINITE


def of_one_size(dataset):
    """A data set of batches whose images all have the size of the first batch's.

    Args:
        dataset: `tf.data.Dataset` of batches of images, `(images, labels)`, or dicts
            with "images"; "views" stay as they are.

    Returns:
        `tf.data.Dataset`: the same one if its images have one known size.
    """
    import tensorflow as tf

    spec = dataset.element_spec
    images = _images(spec)
    # What Python decodes has no shape at all.
    ranked = images is None or images.shape.rank is not None
    if images is None or (ranked and None not in images.shape[1:3]):
        return dataset
    size = tuple(_images(next(iter(dataset.take(1)))).shape[1:3])

    def fit(images):
        # As `fit_images`, of a size that is known when the batch comes.
        if isinstance(images, dict):
            return {**images, "images": fit(images["images"])}
        images = tf.ensure_shape(images, (None, None, None, 3))
        shape = tf.shape(images)[1:3]
        scale = tf.reduce_min(tf.cast(shape, "float32") / tf.constant(size, "float32"))
        box = tf.cast(tf.round(scale * tf.constant(size, "float32")), "int32")
        box = tf.clip_by_value(box, 1, shape)
        start = (shape - box) // 2
        end = start + box
        cut = images[:, start[0] : end[0], start[1] : end[1]]
        fitted = tf.image.resize(tf.cast(cut, "float32"), size, antialias=True)
        fitted.set_shape((images.shape[0], *size, 3))
        return fitted

    if isinstance(spec, (tuple, list)):
        return dataset.map(lambda images, *rest: (fit(images), *rest))
    return dataset.map(fit)


def without_remainders(dataset, multiple, least=1):
    """A data set without the batches that are no multiple of a number of images.

    Args:
        dataset: `tf.data.Dataset` of batches.
        multiple: int.
        least: int; smaller batches are left out too. Defaults to 1.

    Returns:
        `tf.data.Dataset`: the same one if all of its batches are of one size.
    """
    import tensorflow as tf

    if multiple == least == 1 or _rows(dataset.element_spec).shape[0] is not None:
        return dataset

    def fits(*data):
        rows = tf.shape(_rows(data))[0]
        return rows % multiple == 0 and rows >= least

    filtered = dataset.filter(fits)
    filtered.full_cardinality = int(dataset.cardinality())
    return filtered


def _images(data):
    """The images of an element of the data; None of ready-made views."""
    images = data[0] if isinstance(data, (tuple, list)) else data
    return images.get("images") if isinstance(images, dict) else images


def _rows(data):
    """The first of the tensors that an element of the data is made of."""
    return keras.tree.flatten(data)[0]


class FollowRestoredEpoch(keras.callbacks.Callback):
    """Gives `Batches` the epoch at which `BackupAndRestore` goes on.

    `fit` puts it after the callbacks of the user, one of which may restore the model.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_begin(self, logs=None):
        # Where Keras's callback leaves it.
        restored = getattr(self.model, "_initial_epoch", None)
        if restored:
            self.batches.epoch = restored

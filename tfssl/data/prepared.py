"""`tfds:NAME`: any image classification set of tensorflow-datasets."""

import difflib
import functools
import io
from multiprocessing.pool import ThreadPool

import keras
import numpy as np
from absl import logging
from PIL import Image

from tfssl.data import pixels
from tfssl.data.image_data import ImageData
from tfssl.data.records import (
    ImageRecords,
    in_any_order,
    in_any_order_only,
    open_records,
)
from tfssl.data.splits import UNDIVIDED
from tfssl.data.storage import allocate, hold, is_streamed

CHUNK = 1000
DEFAULT_SIZE = 256
# Strings that image sets have besides; to decode them costs nothing.
_STRINGS = ("id", "file_name", "image/filename")


def load_tfds(
    name,
    split="train",
    image_size=None,
    data_dir=None,
    cache_dir=None,
    division=UNDIVIDED,
    stream=False,
):
    """One split of a tensorflow-datasets set, downloaded if it is not yet prepared.

    Images that all have one size keep it unless `image_size` says otherwise; images of
    different sizes are made square (`tfssl.data.pixels.square`).

    Args:
        name: the set, such as `"cifar10"`, with its config and version if needed.
        split: a split of the set, or a slice of one: `"train"`, `"train[:10%]"`.
        image_size: side in pixels of the squares to make. Defaults to 256 when the
            images differ in size.
        data_dir: the folder with prepared sets. Defaults to that of
            tensorflow-datasets.
        cache_dir: see `tfssl.data.load`.
        division: `Division`, makes a test split of a train split.
        stream: see `tfssl.data.load`. Streamed images that may differ in size are made
            squares of 256 unless `image_size` says otherwise.
    """
    import tensorflow_datasets as tfds

    if keras.backend.backend() != "tensorflow":
        import tensorflow as tf

        # Here TensorFlow only reads; else it would take the other backend's memory.
        tf.config.set_visible_devices([], "GPU")

    builder = _builder(name, data_dir)
    info = builder.info
    if info.features is not None:
        # Before a download that would be for nothing.
        _image_and_label(info.features, name)
    if not builder.is_prepared():
        _prepare(builder, name)
    if division.test_fraction is None:
        # A slice is of a split that exists.
        division.stored(split.split("[")[0], info.splits, f"tfds:{name}")
        stored = split
    else:
        stored = division.stored(split, info.splits, f"tfds:{name}")
    image, label = _image_and_label(info.features, name)
    count = info.splits[stored].num_examples
    if not count:
        raise ValueError(f"tfds:{name} has no images in split {stored!r}.")

    one_size = None not in image.shape
    names = tuple(label.names) if hasattr(label, "names") else None
    height, width = image.shape[:2] if one_size else (DEFAULT_SIZE, DEFAULT_SIZE)
    shape = (count, image_size or height, image_size or width, 3)
    streamed = is_streamed(shape, stream) and (stream is True or in_any_order(info))
    if streamed or in_any_order_only(info):
        size = image_size if one_size else shape[1]
        images = ImageRecords(open_records(builder, stored), shape, size)
        labels = _known(images.labels()) if label else None
        if not streamed:
            images = hold(images, cache_dir)
        data = ImageData(images, labels, names, name=f"tfds:{name}", split=split)
        return division.take(data, split, cache_dir)

    keys = {"image": True} | ({"label": True} if label else {})
    # Encoded images of different sizes are left to Pillow, as those of a folder are.
    decoders = None if one_size else {"image": tfds.decode.SkipDecoding()}
    if set(info.features) - {*keys, *_STRINGS}:
        # What else there is, such as boxes, may not fit in a batch. To read a part,
        # tensorflow-datasets warns of its own code, so it does where it must.
        decoders = tfds.decode.PartialDecoding(keys, decoders=decoders)
    # One shard after the other: in the order in which they are streamed.
    in_order = tfds.ReadConfig(interleave_cycle_length=1)
    dataset = builder.as_dataset(
        split=stored, shuffle_files=False, decoders=decoders, read_config=in_order
    ).batch(CHUNK)

    with ThreadPool() as pool:
        if one_size:
            height, width = image.shape[:2]
            to_rgb = functools.partial(pixels.rgb_batch, size=image_size)
        else:
            if image_size is None:
                height, width, image_size = _common_size(dataset)
            decode = functools.partial(pixels.decode, size=image_size)

            def to_rgb(encoded):
                return pool.map(decode, map(io.BytesIO, encoded))

        if image_size is not None:
            height = width = image_size
        images = allocate((count, height, width, 3), cache_dir)
        labels = np.zeros(count, np.int64) if label else None
        start = 0
        for batch in dataset.as_numpy_iterator():
            rows = slice(start, start + len(batch["image"]))
            images[rows] = to_rgb(batch["image"])
            if label:
                labels[rows] = batch["label"]
            start = rows.stop
    labels = _known(labels) if label else None
    data = ImageData(images, labels, names, name=f"tfds:{name}", split=split)
    return division.take(data, split, cache_dir)


def _known(labels):
    """The labels; None if all are hidden, as those of published test sets may be."""
    return None if (labels < 0).all() else labels


def _builder(name, data_dir):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name, known)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(
            f"tensorflow-datasets has no set {name!r}, nor is one prepared in "
            f"data_dir={data_dir}.{hint} All names: tfds.list_builders()."
        ) from error


def _prepare(builder, name):
    logging.warning(
        "tfds:%s is not prepared in %s: downloading it.", name, builder.data_dir
    )
    try:
        builder.download_and_prepare()
    except Exception as error:  # network, disk, manual downloads, missing packages
        raise FileNotFoundError(
            f"tfds:{name} is not prepared in {builder.data_dir}, and preparing it "
            f"failed ({type(error).__name__}: {error}). Pass the data_dir that holds "
            "it, or prepare it where there is a network with "
            f"`tfds build {name} --data_dir=DIR` and copy the folder."
        ) from error


def _image_and_label(features, name):
    """The image feature and, if it is a scalar integer, the label feature (or None)."""
    import tensorflow_datasets as tfds

    known = dict(features.items()) if hasattr(features, "items") else {}
    image, label = known.get("image"), known.get("label")
    if not isinstance(image, tfds.features.Image) or image.np_dtype != np.uint8:
        raise ValueError(
            f"tfds:{name} has no image feature: a set of 8-bit images with a feature "
            f"`image` was expected. It has: {features}."
        )
    if (
        label is not None
        and label.shape == ()
        and np.dtype(label.np_dtype).kind in "iu"
    ):
        return image, label
    return image, None


def _common_size(dataset):
    """(height, width, None) if all encoded images agree, else squares of 256."""
    sizes = set()
    for batch in dataset.as_numpy_iterator():
        # Opening reads the header only.
        sizes |= {Image.open(io.BytesIO(x)).size for x in batch["image"]}
        if len(sizes) > 1:
            return DEFAULT_SIZE, DEFAULT_SIZE, DEFAULT_SIZE
    width, height = sizes.pop()
    return height, width, None

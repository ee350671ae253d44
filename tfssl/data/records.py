"""`tfds:NAME`, streamed: records that are decoded when their turn comes."""

import io

import numpy as np

from tfssl.data import pixels
from tfssl.data.image_files import decoding_threads
from tfssl.training import StreamedImages

# Records that are read at a time for their labels.
_ROWS = 1000


class ImageRecords(StreamedImages):
    """The images of records, decoded each time they are read.

    Args:
        source: sequence of dicts with an encoded `"image"` that is read in any order:
            what `builder.as_data_source` of tensorflow-datasets gives.
        shape: tuple `(count, height, width, 3)`.
        size: int, side in pixels of the squares to make; None keeps the images as they
            are, which must then be of this height and width.
    """

    def __init__(self, source, shape, size):
        super().__init__(shape)
        self.source = source
        self.size = size

    def read(self, rows):
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        records = self.source.__getitems__([int(row) for row in rows])

        def decode(place):
            encoded = io.BytesIO(records[place]["image"])
            images[place] = pixels.decode(encoded, self.size)

        decoding_threads().map(decode, range(len(rows)))
        return images

    def labels(self):
        """The labels of all records, each of which is read for it: int64 `[count]`."""
        labels = np.empty(len(self), "int64")
        for start in range(0, len(self), _ROWS):
            rows = range(start, min(start + _ROWS, len(self)))
            records = self.source.__getitems__(list(rows))
            labels[start : rows.stop] = [record["label"] for record in records]
        return labels


def in_any_order(info):
    """Whether the files of a prepared set can be read in any order.

    Args:
        info: `tfds.core.DatasetInfo`.
    """
    from tensorflow_datasets.core.file_adapters import FileFormat

    return bool(info.available_file_formats() & FileFormat.with_random_access())


def in_any_order_only(info):
    """Whether the files of a prepared set cannot be read one after the other.

    Args:
        info: `tfds.core.DatasetInfo`.
    """
    from tensorflow_datasets.core.file_adapters import FileFormat

    return info.file_format is FileFormat.ARRAY_RECORD


def open_records(builder, split):
    """The records of a prepared set, to be read in any order.

    Args:
        builder: `tfds.core.DatasetBuilder`.
        split: string.

    Returns:
        Sequence of dicts, whose images are encoded.

    Raises:
        ValueError: for files that are read from their start only.
    """
    import tensorflow_datasets as tfds

    try:
        return builder.as_data_source(
            split=split, decoders={"image": tfds.decode.SkipDecoding()}
        )
    except (NotImplementedError, ImportError) as error:
        raise ValueError(
            f"tfds:{builder.info.full_name} is not streamed: its files in "
            f"{builder.data_dir} are read from their start only. `tfds convert_format "
            f"--dataset_version_dir={builder.data_dir} "
            "--out_file_format=array_record` (of tensorflow-datasets, with the package "
            "array_record) writes files beside them that are read in any order. Or "
            "load it without stream. Received: "
            f"{builder.info.file_format.value} files"
        ) from error

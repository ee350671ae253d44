"""Examples of what an encoder sees: a map of images, and neighbours of some."""

from os import PathLike
from pathlib import Path

import numpy as np

from tfssl import transfer
from tfssl.data import ImageData
from tfssl.pages import nearest, project, sample
from tfssl.pages.pictures import class_name
from tfssl.transfer.labels import check_labels
from tfssl.zoo.examples_file import EXAMPLES, SCALE, Examples, short_text, thumbnail
from tfssl.zoo.fetch import read_index
from tfssl.zoo.index import entry_of, folder_to_write
from tfssl.zoo.load import load
from tfssl.zoo.page import write_page
from tfssl.zoo.shelf import add_file

# Images in the map; those whose neighbours are shown, and how many of each.
_POINTS, _QUERIES, _NEIGHBOURS = 600, 6, 6
# Fewer make no map.
_LEAST = 8


def show_examples(
    name: str, data: ImageData, zoo: PathLike | str = "zoo", seed: int = 0
) -> Path:
    """Shows on the page of a zoo what an encoder sees in images.

    There is a map of 600 of them (t-SNE of the features), with a mark for each class;
    and of six of them, of different classes, the six others with the most similar
    features. They are a random sample, equally many of each class while they last, and
    the same for all encoders that are shown with the same data and seed.

    Writes `zoo/NAME/examples.json`, in the place of earlier ones, enters it into
    `zoo/index.json`, and writes the page, `zoo/index.html`. It holds about forty
    pictures of the data, of at most 32 pixels a side: see that its licence allows that.
    When an encoder is replaced, its examples go. At any moment all that the index names
    is whole; a process that is killed may leave the file unnamed, until it is written
    again.

    Args:
        name: string, an encoder of the zoo.
        data: `tfssl.data.ImageData` of at least 8 images, which it was not trained on;
            of any size, with labels or without. Its `name` and `split` are told.
        zoo: folder of the zoo.
        seed: int, of the sample. Defaults to 0.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: for fewer images, labels that are none, or features that are not
            finite.
        tfssl.zoo.ZooError: if there is no such zoo or encoder, or it cannot be loaded,
            or was replaced meanwhile, or another process holds the zoo for a minute.

    Example:
        >>> import tempfile, keras, numpy as np, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> image = keras.Input((16, 16, 3))
        >>> mean = keras.layers.GlobalAveragePooling2D()(image)
        >>> encoder = keras.Model(image, mean)
        >>> card = {"method": "simclr", "dataset": "digits"}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> images = np.random.default_rng(0).integers(256, size=(20, 16, 16, 3))
        >>> data = tfssl.data.ImageData(images.astype("uint8"), name="noise")
        >>> tfssl.zoo.show_examples("small", data, zoo=zoo).name
        'examples.json'
    """
    zoo = folder_to_write(zoo)
    if len(data) < _LEAST:
        raise ValueError(f"A map takes at least {_LEAST} images. Received: {data!r}")
    if data.labels is not None:
        check_labels(data.labels, len(data), f"Labels of {data.split}")
    entry = entry_of(read_index(zoo), name, zoo)
    encoder = load(name, source=zoo)
    text = _examples(encoder, data, seed).to_json()
    add_file(zoo, name, EXAMPLES, text, entry["files"]["encoder.keras"])
    write_page(zoo)
    return zoo / name / EXAMPLES


def _examples(encoder, data, seed):
    rows = sample(data.labels, len(data), _POINTS, seed)
    images = np.asarray(data.images[rows])
    # So many that all batches of a full sample are of one size, traced once.
    features = transfer.features(encoder, images, batch_size=_POINTS // 3)
    if not np.isfinite(features).all():
        raise ValueError(
            f"{encoder.name} gives features that are no finite numbers. Received: "
            f"{features[~np.isfinite(features).all(axis=1)][0, :8]}"
        )
    classes = labels = None
    if data.labels is not None:
        present, labels = np.unique(data.labels[rows], return_inverse=True)
        names = (class_name(data.class_names, label) for label in present)
        classes, labels = list(map(short_text, names)), labels.tolist()
    queries = range(_QUERIES)
    found = nearest(features, queries, _NEIGHBOURS)
    neighbours = [[query, *found[query].tolist()] for query in queries]
    return Examples(
        dataset=short_text(data.name),
        split=short_text(data.split),
        total=len(data),
        seed=seed,
        points=np.round(SCALE * project(features)).astype(int).tolist(),
        classes=classes,
        labels=labels,
        neighbours=neighbours,
        thumbnails={row: thumbnail(images[row]) for each in neighbours for row in each},
    )

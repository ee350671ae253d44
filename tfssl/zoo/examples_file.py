"""The file of an encoder's examples, of which nothing is believed unseen."""

import base64
import dataclasses
import io
import json

from PIL import Image

from tfssl.zoo.errors import FormatError
from tfssl.zoo.regular import json_dict

EXAMPLES = "examples.json"
FORMAT = 1
# Places in the map are whole numbers up to this.
SCALE = 1000
# Of a thumbnail, in pixels.
SIDE = 32
# What a file may hold, so that a page of it stays small. No file of ours has as much.
MOST_BYTES = 2**18
_MOST_POINTS, _MOST_ROWS, _MOST_IN_ROW = 1000, 8, 9
_MOST_TEXT, _MOST_THUMBNAIL = 50, 3000
_MOST_NUMBER = 2**63


@dataclasses.dataclass(frozen=True)
class Examples:
    """Images as an encoder sees them: their places in a map, and their neighbours.

    Args:
        dataset: string, what the images are of.
        split: string, "test" or another part of it.
        total: int, images of the split.
        seed: int, of the sample that is shown.
        points: list of pairs of ints, the places of the sample in [0, `SCALE`].
        classes: list of strings, names of the classes; None without labels.
        labels: list of ints, positions in `classes`; None without labels.
        neighbours: list of lists of ints, positions in the sample: an image, and those
            that are most similar to it.
        thumbnails: dict from positions to WebP files in base64, one for each position
            in `neighbours`.
    """

    dataset: str
    split: str
    total: int
    seed: int
    points: list
    classes: list | None
    labels: list | None
    neighbours: list
    thumbnails: dict

    def to_json(self):
        """The text of the file."""
        content = {"format": FORMAT, **dataclasses.asdict(self)}
        return json.dumps(content, separators=(",", ":")) + "\n"


def read_examples(path):
    """The examples in a file.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Examples`.

    Raises:
        tfssl.zoo.FormatError: if there is anything else in it, or too much.
        tfssl.zoo.NotFoundError: if it cannot be read.
    """
    try:
        return _checked(json_dict(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"{path} holds no examples: {type(error).__name__}: {error}"
        ) from error


def short_text(value):
    """A name as the file may hold it: not too long, and such as UTF-8 can write."""
    return str(value)[:_MOST_TEXT].encode("utf-8", "replace").decode()


def thumbnail(image):
    """A small picture of an image.

    Args:
        image: uint8 array `[h, w, 3]`.

    Returns:
        String, a WebP file in base64, of at most `SIDE` x `SIDE` pixels.

    Example:
        >>> import numpy as np
        >>> from tfssl.zoo.examples_file import thumbnail
        >>> thumbnail(np.zeros((64, 48, 3), "uint8"))[:4]
        'UklG'
    """
    small = Image.fromarray(image)
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "webp", quality=80, method=6)
    return base64.b64encode(buffer.getvalue()).decode()


def _checked(content):
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']!r:.50}, not {FORMAT}")
    points = _list(content["points"], _MOST_POINTS)
    count = len(points)
    classes, labels = content["classes"], content["labels"]
    if (classes is None) != (labels is None):
        raise ValueError("there are classes or labels, and not the other")
    if labels is not None:
        classes = [_text(name) for name in _list(classes, _MOST_POINTS)]
        labels = [_int(label, len(classes)) for label in _list(labels, count, count)]
    rows = [
        [_int(row, count) for row in _list(each, _MOST_IN_ROW)]
        for each in _list(content["neighbours"], _MOST_ROWS)
    ]
    pictures = content["thumbnails"]
    return Examples(
        dataset=_text(content["dataset"]),
        split=_text(content["split"]),
        total=_int(content["total"], _MOST_NUMBER),
        seed=_int(content["seed"], _MOST_NUMBER),
        points=[[_int(x, SCALE + 1) for x in _list(p, 2, 2)] for p in points],
        classes=classes,
        labels=labels,
        neighbours=rows,
        thumbnails={row: _webp(pictures[str(row)]) for each in rows for row in each},
    )


def _list(value, most, least=1):
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError(f"{value!r:.50} is no list of {least} to {most}")
    return value


def _int(value, end):
    # Not `isinstance`: True is no place.
    if type(value) is not int or not 0 <= value < end:
        raise ValueError(f"{value!r:.50} is no whole number from 0 below {end}")
    return value


def _text(value):
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError(f"{value!r:.50} is no string of up to {_MOST_TEXT} letters")
    value.encode()
    return value


def _webp(value):
    """The same picture in base64, if it is a single small one.

    Its head says so: it is not decoded, and of no kind that has frames or parts.
    """
    if not isinstance(value, str) or len(value) > _MOST_THUMBNAIL:
        raise ValueError(f"{value!r:.50} is no thumbnail")
    data = base64.b64decode(value, validate=True)
    length, width, height = (
        int.from_bytes(data[a:b], "little") for a, b in ((4, 8), (26, 28), (28, 30))
    )
    whole = data[:4] == b"RIFF" and length + 8 == len(data)
    simple = data[8:16] == b"WEBPVP8 " and data[23:26] == b"\x9d\x01\x2a"
    # The two bits above the 14 of a side would scale it.
    if not (whole and simple and 0 < width <= SIDE and 0 < height <= SIDE):
        raise ValueError(f"{value!r:.50} is no WebP file of up to {SIDE} pixels")
    return base64.b64encode(data).decode()

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tfssl.zoo import FormatError, NotFoundError
from tfssl.zoo.examples_file import SIDE, read_examples, short_text, thumbnail

PICTURE = thumbnail(np.full((20, 30, 3), 200, "uint8"))
GOOD = {
    "format": 1,
    "dataset": "tfds:cats",
    "split": "test",
    "total": 100,
    "seed": 0,
    "points": [[0, 1000], [500, 3], [7, 7]],
    "classes": ["cat", "dog"],
    "labels": [0, 1, 1],
    "neighbours": [[0, 2], [1, 0]],
    "thumbnails": {"0": PICTURE, "1": PICTURE, "2": PICTURE},
}


def read(tmp_path, content):
    path = tmp_path / "examples.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_examples(path)


def picture(kind="webp", size=(8, 8), **how):
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **how)
    return base64.b64encode(out.getvalue()).decode()


def test_what_is_written_is_read(tmp_path):
    found = read(tmp_path, GOOD)
    assert json.loads(found.to_json()) == GOOD
    assert read(tmp_path, found.to_json()) == found
    assert found.thumbnails == {0: PICTURE, 1: PICTURE, 2: PICTURE}
    bare = read(tmp_path, {**GOOD, "classes": None, "labels": None})
    assert bare.labels is None and bare.points == found.points


@pytest.mark.parametrize("shape", [(64, 48), (8, 8), (3, 900), (32, 32)])
def test_a_thumbnail_is_the_image_made_small(tmp_path, shape):
    image = np.zeros((*shape, 3), "uint8")
    image[:, : shape[1] // 2, 0] = 255
    data = base64.b64decode(thumbnail(image))
    with Image.open(io.BytesIO(data)) as small:
        assert small.format == "WEBP" and max(small.size) <= SIDE
        assert max(small.size) == min(max(shape), SIDE)
        red = np.asarray(small.convert("RGB"), float)[:, :, 0]
    assert red[:, 0].mean() > 150 and red[:, -1].mean() < 100
    texts = dict.fromkeys(GOOD["thumbnails"], thumbnail(image))
    assert read(tmp_path, {**GOOD, "thumbnails": texts})


def test_noise_is_not_too_long_for_a_thumbnail(tmp_path):
    image = np.random.default_rng(0).integers(256, size=(32, 32, 3), dtype="uint8")
    texts = dict.fromkeys(GOOD["thumbnails"], thumbnail(image))
    assert read(tmp_path, {**GOOD, "thumbnails": texts})


MARKUP = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"dataset": 3},
        {"dataset": "x" * 51},
        {"dataset": "\ud800"},
        {"split": None},
        {"total": -1},
        {"total": 1e3},
        {"seed": True},
        {"points": []},
        {"points": "abc"},
        {"points": [[0, 1], [2, 3], [4, 1001]]},
        {"points": [[0, 1], [2, 3], [4, -1]]},
        {"points": [[0, 1], [2, 3], [4, 5.0]]},
        {"points": [[0, 1], [2, 3], [4, float("nan")]]},
        {"points": [[0, 1], [2, 3], [4]]},
        {"points": [[0, 1], [2, 3], MARKUP]},
        {"points": [[0, 1]] * 1001},
        {"labels": None},
        {"classes": None},
        {"labels": [0, 1]},
        {"labels": [0, 1, 2]},
        {"labels": [0, 1, "1"]},
        {"labels": {"0": 1}},
        {"classes": []},
        {"classes": ["cat", 3]},
        {"classes": ["cat", "d" * 51]},
        {"classes": ["cat", ["dog"]]},
        {"neighbours": []},
        {"neighbours": [[]]},
        {"neighbours": [[0, 3]]},
        {"neighbours": [[0, -1]]},
        {"neighbours": [[0, 1]] * 9},
        {"neighbours": [[0] * 10]},
        {"thumbnails": []},
        {"thumbnails": {"0": PICTURE, "1": PICTURE}},
        *(
            {"thumbnails": {"0": PICTURE, "1": PICTURE, "2": text}}
            for text in (
                None,
                "",
                "UklG",
                MARKUP,
                PICTURE + MARKUP,
                PICTURE + "\n",
                PICTURE + PICTURE,
                PICTURE[:-8],
                picture("png"),
                picture("gif"),
                picture(size=(33, 8)),
                picture(size=(8, 33)),
                picture(lossless=True),
                base64.b64encode(b"<svg onload='alert(1)'/>").decode(),
                "A" * 3001,
            )
        ),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, change):
    with pytest.raises(FormatError, match="holds no examples"):
        read(tmp_path, {**GOOD, **change})


@pytest.mark.parametrize("key", GOOD)
def test_what_is_missing_is_named(tmp_path, key):
    content = {k: v for k, v in GOOD.items() if k != key}
    with pytest.raises(FormatError, match=f"KeyError: '{key}'"):
        read(tmp_path, content)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_what_is_no_dict_is_refused(tmp_path, text):
    with pytest.raises(FormatError, match="cannot be read"):
        read(tmp_path, text)


def test_no_file(tmp_path):
    with pytest.raises(NotFoundError):
        read_examples(tmp_path / "examples.json")


def test_names_become_short_and_can_be_written():
    assert short_text("x" * 60) == "x" * 50
    assert short_text("caf\udce9") == "caf?"
    assert short_text(3) == "3"

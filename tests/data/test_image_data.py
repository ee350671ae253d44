import dataclasses

import numpy as np
import pytest

from tfssl.data import ImageData

IMAGES = np.zeros((4, 8, 6, 3), np.uint8)


def test_says_what_it_holds():
    data = ImageData(IMAGES, [0, 2, 2, 0], name="mine", split="test", skipped=("a",))
    text = "ImageData(mine, test: 4 images of 8x6, 2 classes, 1 skipped)"
    assert repr(data) == text
    assert len(data) == 4
    assert data.labels.dtype == np.int64


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ImageData(IMAGES).images = None


@pytest.mark.parametrize(
    "images",
    [IMAGES[0], IMAGES[..., :1], IMAGES.astype("float32"), [[1]]],
)
def test_refuses_what_is_not_rgb_bytes(images):
    with pytest.raises(ValueError, match="uint8 of shape"):
        ImageData(images)


@pytest.mark.parametrize("labels", [[0, 1, 2], np.zeros((4, 2), int)])
def test_refuses_labels_that_do_not_match(labels):
    with pytest.raises(ValueError, match="mine has 4 images"):
        ImageData(IMAGES, labels, name="mine")


def test_a_path_for_each_image():
    paths = ["a", "b", "c", "d"]
    assert ImageData(IMAGES, paths=paths).paths == ("a", "b", "c", "d")
    with pytest.raises(ValueError, match="mine has 4 images, so paths.*Received: 3"):
        ImageData(IMAGES, name="mine", paths=paths[:3])


def test_refuses_labels_that_are_not_indices():
    with pytest.raises(ValueError, match="integers.*float64"):
        ImageData(IMAGES, [0.0, 1.0, 0.5, 1.0])


def test_requires_labels_where_they_are_needed():
    ImageData(IMAGES, [0, 2, 2, 0]).require_labels()
    with pytest.raises(ValueError, match="mine, split test, has no labels"):
        ImageData(IMAGES, name="mine", split="test").require_labels()


def test_some_images_have_a_label():
    data = ImageData(
        IMAGES + np.arange(4, dtype="uint8")[:, None, None, None],
        [2, -1, -1, 0],
        paths="abcd",
    )
    some = data.labelled()
    assert some.labels.tolist() == [2, 0] and some.paths == ("a", "d")
    assert some.images[:, 0, 0, 0].tolist() == [0, 3]
    assert some.labelled() is some
    # None with a label is none with labels.
    assert ImageData(IMAGES, [-1] * 4).labels is None
    with pytest.raises(ValueError, match="has no labels"):
        ImageData(IMAGES, [-1] * 4).labelled()
    with pytest.raises(ValueError, match="or -1 for .*Received: -2"):
        ImageData(IMAGES, [0, 1, -2, 1])

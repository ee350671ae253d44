"""tfssl.zoo.show_examples: what is written, and what is not."""

import json
import os

import keras
import numpy as np
import pytest
from cases import pixels
from conftest import CARD

import tfssl
from tfssl.data import ImageData
from tfssl.zoo import NotFoundError, ZooError, showing
from tfssl.zoo.examples_file import read_examples
from tfssl.zoo.inventory import check_files

NAMES = ("red", "<b>green</b>", "blue")


@pytest.fixture(autouse=True)
def untraced(eager):
    """Few images."""


@pytest.fixture
def zoo(tmp_path):
    tfssl.zoo.publish(pixels(), "small", zoo=tmp_path / "zoo", card=CARD)
    return tmp_path / "zoo"


@pytest.fixture
def quick(monkeypatch):
    """Maps without t-SNE, which takes seconds for hundreds of images."""
    monkeypatch.setattr(showing, "project", lambda features: features[:, :2] / 255)


def data(count=30, size=16, labelled=True, shift=0):
    """Images whose mean colour is that of their class, more or less."""
    labels = np.arange(count) % 3
    images = np.random.default_rng(0).integers(0, 60, (count, size, size, 3), "uint8")
    images[np.arange(count), :, :, labels] += 120
    if not labelled:
        return ImageData(images, name="colours", split="test")
    return ImageData(
        images, labels + shift, (*("",) * shift, *NAMES), "colours", "test"
    )


def show(zoo, *args, **kwargs):
    return read_examples(tfssl.zoo.show_examples("small", *args, zoo=zoo, **kwargs))


def test_what_is_shown_is_what_the_features_say(zoo):
    images = data()
    found = show(zoo, images)
    assert (found.dataset, found.split, found.total) == ("colours", "test", 30)
    assert found.classes == list(NAMES)
    rows = tfssl.runs.sample(images.labels, 30, 600, seed=0)
    assert found.labels == images.labels[rows].tolist()
    # The encoder's features, by hand.
    features = images.images[rows].mean(axis=(1, 2))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert [each[0] for each in found.neighbours] == list(range(6))
    for query, *others in found.neighbours:
        cosines = unit @ unit[query]
        cosines[query] = -1
        assert others == np.argsort(-cosines)[:6].tolist()
        assert {found.labels[other] for other in others} == {found.labels[query]}
    points = np.array(found.points)
    assert points.min() == 0 and points.max() == 1000
    assert check_files(zoo) == []
    page = (zoo / "index.html").read_text()
    assert "30 of 30 test images of colours" in page and "36 of the 36 are" in page
    assert "&lt;b&gt;green&lt;/b&gt;" in page and "<b>green" not in page


@pytest.mark.usefixtures("quick")
def test_the_same_images_are_shown_to_all_encoders(zoo):
    images = data(700)
    tfssl.zoo.publish(pixels(8), "other", zoo=zoo, card=CARD)
    found = show(zoo, images)
    path = tfssl.zoo.show_examples("other", images, zoo=zoo)
    other = read_examples(path)
    assert len(found.points) == 600 and found.total == 700
    assert np.bincount(found.labels).tolist() == [200] * 3
    assert (found.labels, len(found.points)) == (other.labels, len(other.points))
    assert show(zoo, images) == found
    assert show(zoo, images, seed=1).thumbnails != found.thumbnails


@pytest.mark.usefixtures("quick")
def test_only_the_sample_is_looked_at(zoo, monkeypatch):
    seen = []
    features = tfssl.transfer.features

    def counted(encoder, images, **how):
        seen.append(len(images))
        return features(encoder, images, **how)

    monkeypatch.setattr(showing.transfer, "features", counted)
    show(zoo, data(700))
    assert seen == [600]


@pytest.mark.usefixtures("quick")
def test_images_of_another_size_are_brought_to_the_encoder(zoo):
    found = show(zoo, data(size=40))
    assert len(found.points) == 30
    assert check_files(zoo) == []


def test_without_labels_there_are_no_colours_and_no_frames(zoo):
    found = show(zoo, data(labelled=False))
    assert found.labels is None and found.classes is None
    page = (zoo / "index.html").read_text()
    assert page.count("<g data-kind") == 1 and 'class="names"' not in page
    assert "green frame" not in page and 'class="pic good"' not in page
    assert page.count('alt="neighbour 6"') == 6


def test_classes_that_are_not_there_are_not_named(zoo):
    assert show(zoo, data(shift=2)).classes == list(NAMES)


@pytest.mark.filterwarnings("error:invalid value")
def test_an_encoder_that_collapsed_is_shown_as_it_is(zoo):
    images = data()
    images.images[:] = 7
    found = show(zoo, images)
    assert found.points == [[500, 500]] * 30


@pytest.mark.usefixtures("quick")
def test_what_is_shown_anew_takes_the_place_of_the_old(zoo):
    first = show(zoo, data())
    second = show(zoo, data(labelled=False))
    assert first != second
    assert check_files(zoo) == []
    assert len(os.listdir(zoo / "small")) == 4


@pytest.mark.usefixtures("quick")
def test_examples_go_with_their_encoder(zoo):
    show(zoo, data())
    assert "A map of images" in (zoo / "index.html").read_text()
    tfssl.zoo.publish(pixels(), "small", zoo=zoo, card=CARD, overwrite=True)
    assert not (zoo / "small" / "examples.json").exists()
    assert check_files(zoo) == []
    assert 'class="shown"' not in (zoo / "index.html").read_text()


def test_an_encoder_that_is_replaced_meanwhile_is_not_shown(zoo, monkeypatch):
    def late(features):
        image = keras.Input((16, 16, 3))
        larger = keras.Model(image, keras.layers.Dense(5)(pixels()(image)))
        tfssl.zoo.publish(larger, "small", zoo=zoo, card=CARD, overwrite=True)
        return features[:, :2] * 0

    monkeypatch.setattr(showing, "project", late)
    with pytest.raises(ZooError, match="replaced or taken away meanwhile"):
        show(zoo, data())
    assert check_files(zoo) == []


@pytest.mark.parametrize(
    "name, images, error, message",
    [
        ("nobody", data(), NotFoundError, "There are: small"),
        ("../small", data(), NotFoundError, "no path"),
        ("small", data(7), ValueError, "at least 8 images. Received: ImageData"),
        ("small", data(shift=-1), ValueError, "must be classes from 0"),
    ],
)
def test_mistakes_change_nothing(zoo, name, images, error, message):
    before = (zoo / "index.json").read_text()
    with pytest.raises(error, match=message):
        tfssl.zoo.show_examples(name, images, zoo=zoo)
    assert (zoo / "index.json").read_text() == before
    assert check_files(zoo) == []


def test_no_zoo(tmp_path):
    with pytest.raises(NotFoundError, match="There is no zoo"):
        tfssl.zoo.show_examples("small", data(), zoo=tmp_path / "nowhere")
    assert os.listdir(tmp_path) == []


def test_features_that_are_no_numbers_are_refused(zoo, monkeypatch):
    nan = np.full((30, 3), np.nan, "float32")
    monkeypatch.setattr(showing.transfer, "features", lambda *a, **k: nan)
    with pytest.raises(ValueError, match="no finite numbers. Received: .nan"):
        show(zoo, data())
    assert check_files(zoo) == []


@pytest.mark.usefixtures("quick")
def test_the_index_names_it(zoo):
    show(zoo, data())
    index = json.loads((zoo / "index.json").read_text())["encoders"]["small"]
    assert list(index["files"]) == sorted(os.listdir(zoo / "small"))
    (zoo / "small" / "examples.json").write_text("{}")
    (wrong,) = check_files(zoo)
    assert "examples.json" in wrong
    assert 'class="shown"' not in tfssl.zoo.write_page(zoo).read_text()

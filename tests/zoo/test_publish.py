import hashlib
import json
import sys

import keras
import numpy as np
import pytest
from cases import encoder, images
from conftest import CARD

import tfssl
from tfssl.zoo import ZooError


def test_an_encoder_comes_back_as_it_was(zoo):
    start = encoder()
    tfssl.zoo.publish(start, "mine", zoo=zoo, card=CARD)
    loaded = tfssl.zoo.load("mine", source=zoo)
    x = images(8)
    np.testing.assert_array_equal(
        loaded.predict(x, verbose=0), start.predict(x, verbose=0)
    )
    assert sorted(tfssl.zoo.list(zoo)) == ["mine", "small"]


def test_the_index_has_size_and_checksum_of_every_file(zoo):
    index = json.loads((zoo / "index.json").read_text())
    assert index["format"] == 1
    files = index["encoders"]["small"]["files"]
    assert sorted(files) == sorted(p.name for p in (zoo / "small").iterdir())
    assert {"encoder.keras", "projector.keras", "metadata.json", "README.md"} == set(
        files
    )
    for name, facts in files.items():
        content = (zoo / "small" / name).read_bytes()
        assert facts["size"] == len(content)
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert index["encoders"]["small"]["summary"]["knn"] == 0.5


def test_the_card_says_what_a_person_needs(zoo):
    text = (zoo / "small" / "README.md").read_text()
    for part in ('tfssl.zoo.load("small")', "16x16", "simclr", "0.5000", "k: 20"):
        assert part in text, part
    info = tfssl.zoo.info("small", source=zoo)
    assert info["input_size"] == [16, 16] and info["feature_dim"] == 16
    assert info["pixel_scaling"] == {"scale": 1 / 255, "offset": 0.0}
    assert info["versions"]["keras"] == keras.__version__


def test_what_was_trained_in_bfloat16_is_published_in_float32(zoo):
    keras.config.set_dtype_policy("mixed_bfloat16")
    start = encoder()
    keras.config.set_dtype_policy("float32")
    assert start.predict(images(4), verbose=0).dtype != np.float32
    tfssl.zoo.publish(start, "half", zoo=zoo, card=CARD)
    loaded = tfssl.zoo.load("half", source=zoo)
    for layer in loaded.layers:
        assert layer.compute_dtype == "float32", layer.name
    features = loaded.predict(images(4), verbose=0)
    assert features.dtype == np.float32
    before = start.predict(images(4), verbose=0).astype("float32")
    assert np.abs(features - before).max() < 0.03 * np.abs(features).max()


def test_a_taken_name_is_refused_unless_overwritten(zoo):
    before = (zoo / "index.json").read_text()
    with pytest.raises(ZooError, match="exists already"):
        tfssl.zoo.publish(encoder(), "small", zoo=zoo, card=CARD)
    assert (zoo / "index.json").read_text() == before
    tfssl.zoo.publish(encoder(), "small", zoo=zoo, card=CARD, overwrite=True)
    assert (
        "projector.keras"
        not in json.loads((zoo / "index.json").read_text())["encoders"]["small"][
            "files"
        ]
    )


@pytest.mark.parametrize("name", ["a/b", "../a", "", ".hidden", "/tmp/a", "a b"])
def test_names_with_a_path_are_refused(tmp_path, name):
    with pytest.raises(ZooError, match="no path"):
        tfssl.zoo.publish(encoder(), name, zoo=tmp_path / "zoo", card=CARD)
    assert not (tmp_path / "zoo").exists()


def test_a_card_without_method_is_refused(tmp_path):
    with pytest.raises(ValueError, match="method"):
        tfssl.zoo.publish(encoder(), "a", zoo=tmp_path / "zoo", card={"dataset": "d"})
    assert not (tmp_path / "zoo").exists()


def test_nothing_is_left_of_a_failure(zoo, monkeypatch):
    before = sorted(p.name for p in zoo.iterdir()), (zoo / "index.json").read_text()

    def fail(metadata):
        raise OSError("disk full")

    monkeypatch.setattr(sys.modules["tfssl.zoo.publish"], "model_card", fail)
    with pytest.raises(OSError, match="disk full"):
        tfssl.zoo.publish(encoder(), "other", zoo=zoo, card=CARD)
    after = sorted(p.name for p in zoo.iterdir()), (zoo / "index.json").read_text()
    assert before == after

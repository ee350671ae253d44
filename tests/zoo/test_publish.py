import hashlib
import json
import os
import re
import sys

import keras
import numpy as np
import pytest
from cases import encoder, images
from conftest import CARD

import tfssl
from tfssl.zoo import FormatError, NotFoundError, ZooError

pytestmark = pytest.mark.usefixtures("eager")


def publish(model, zoo, name="mine", **kwargs):
    return tfssl.zoo.publish(model, name, zoo=zoo, card=CARD, **kwargs)


def features(model):
    return keras.ops.convert_to_numpy(model(images(8)))


def same(a, b):
    """Up to rounding: Keras's batch normalisation is another kernel."""
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def new_encoder(seed):
    keras.utils.set_random_seed(seed)
    return encoder()


def content(folder):
    """All of a folder: bytes by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def listed(zoo):
    """What there is in a zoo besides its index and its page."""
    assert (zoo / "index.json").is_file() and (zoo / "index.html").is_file()
    return sorted({p.name for p in zoo.iterdir()} - {"index.json", "index.html"})


def test_an_encoder_comes_back_as_it_was(zoo):
    start = encoder()
    tfssl.zoo.publish(start, "mine", zoo=zoo, card=CARD)
    loaded = tfssl.zoo.load("mine", source=zoo)
    x = images(8)
    for weight, before in zip(loaded.weights, start.weights, strict=True):
        np.testing.assert_array_equal(weight, before)
    same(loaded.predict(x, verbose=0), start.predict(x, verbose=0))
    assert sorted(tfssl.zoo.names(zoo)) == ["mine", "small"]


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
    for part in (
        'tfssl.zoo.load("small")  # source= or TFSSL_ZOO',
        "16x16",
        "simclr",
        "0.5000",
        "k: 20",
    ):
        assert part in text, part
    info = tfssl.zoo.info("small", source=zoo)
    assert info["input_size"] == [16, 16] and info["feature_dim"] == 128
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

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(sys.modules["tfssl.zoo.publish"], "model_card", fail)
    with pytest.raises(OSError, match="disk full"):
        tfssl.zoo.publish(encoder(), "other", zoo=zoo, card=CARD)
    after = sorted(p.name for p in zoo.iterdir()), (zoo / "index.json").read_text()
    assert before == after


def test_encoder_and_projector_come_back(zoo):
    model, head = new_encoder(1), tfssl.heads.projection_head(128, (8, 4))
    publish(model, zoo, projector=head)
    loaded = tfssl.zoo.load("mine", source=zoo)
    same(features(loaded), features(model))
    x = features(model)
    same(tfssl.zoo.load_projector("mine", source=zoo)(x), head(x))
    publish(model, zoo, "alone")
    with pytest.raises(NotFoundError, match="without projector.keras"):
        tfssl.zoo.load_projector("alone", source=zoo)


def test_the_code_in_the_card_runs(zoo, monkeypatch):
    text = (zoo / "small" / "README.md").read_text()
    (code,) = re.findall("```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.setenv("TFSSL_ZOO", str(zoo))
    variables = {"images": images(2)}
    exec(code, variables)
    assert variables["features"].shape == (2, 128)


def test_a_compiled_encoder_goes_without_its_optimizer(zoo):
    model = encoder()
    size = publish(model, zoo, "plain").joinpath("encoder.keras").stat().st_size
    model.compile("adam", "mse")
    model.fit(images(8), np.zeros((8, 128)), verbose=0)
    folder = publish(model, zoo, "compiled")
    assert (folder / "encoder.keras").stat().st_size < 1.05 * size


def test_every_user_may_read_what_is_published(zoo):
    for path in [zoo / "index.json", *(zoo / "small").iterdir()]:
        assert path.stat().st_mode & 0o444 == 0o444, path


@pytest.mark.parametrize("step", ["model.save", "model_card", "new", "index.json"])
@pytest.mark.parametrize("name", ["small", "other"])
def test_a_failure_at_any_step_leaves_the_zoo_as_it_was(zoo, monkeypatch, step, name):
    before = content(zoo)
    real = os.replace

    def replace(start, end):
        # Once: what is done to undo the failure must work.
        if os.path.basename(start).endswith(step) and not failed:
            fail()
        real(start, end)

    failed = []

    def fail(*_):
        failed.append(step)
        raise OSError("disk full")

    if step == "model.save":
        monkeypatch.setattr(keras.Model, "save", fail)
    elif step == "model_card":
        monkeypatch.setattr(sys.modules["tfssl.zoo.publish"], "model_card", fail)
    else:
        monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="disk full"):
        publish(new_encoder(3), zoo, name, overwrite=True)
    monkeypatch.undo()
    assert failed == [step]
    assert content(zoo) == before
    assert sorted(p.name for p in zoo.iterdir()) == [
        "index.html",
        "index.json",
        "small",
    ]
    tfssl.zoo.load("small", source=zoo)


def test_overwriting_replaces_all_of_it(zoo):
    publish(encoder(), zoo, projector=tfssl.heads.projection_head(128, (8, 4)))
    model = new_encoder(5)
    publish(model, zoo, overwrite=True)
    assert not (zoo / "mine" / "projector.keras").exists()
    loaded = tfssl.zoo.load("mine", source=zoo)
    same(features(loaded), features(model))
    assert listed(zoo) == ["mine", "small"]


def test_a_name_of_the_index_or_a_folder_is_taken(zoo):
    (zoo / "folder").mkdir()
    for name in ("small", "folder"):
        before = content(zoo)
        with pytest.raises(ZooError, match="exists already"):
            publish(encoder(), zoo, name)
        assert content(zoo) == before


def test_what_is_published_meanwhile_stays(zoo, monkeypatch):
    real = sys.modules["tfssl.zoo.publish"].model_card

    def meanwhile(*arguments):
        monkeypatch.undo()
        publish(encoder(), zoo, "meanwhile")
        return real(*arguments)

    monkeypatch.setattr(sys.modules["tfssl.zoo.publish"], "model_card", meanwhile)
    publish(encoder(), zoo)
    assert list(tfssl.zoo.names(zoo)) == ["meanwhile", "mine", "small"]


def test_a_damaged_index_is_not_replaced(zoo):
    (zoo / "index.json").write_text("{")
    before = content(zoo)
    with pytest.raises(FormatError):
        publish(encoder(), zoo)
    assert content(zoo) == before


def test_code_is_not_published(zoo):
    before = content(zoo)
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, 0])(image))
    with pytest.raises(ValueError, match="no Lambda layer"):
        publish(model, zoo)
    assert content(zoo) == before


@keras.saving.register_keras_serializable("tests")
class Forgetful(keras.layers.Layer):
    """A layer that saves nothing of what it learnt."""

    def build(self, shape):
        self.bias = self.add_weight(shape=(shape[-1],))

    def call(self, x):
        return x[:, 0, 0] + self.bias

    def save_own_variables(self, store):
        store["0"] = np.zeros(3)


def test_weights_that_are_lost_in_saving_are_noticed(zoo):
    before = content(zoo)
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, Forgetful()(image))
    model.set_weights([np.ones(3)])
    with pytest.raises(ValueError, match="lost in saving"):
        publish(model, zoo)
    assert content(zoo) == before

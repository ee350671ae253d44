"""From an encoder to a zoo and back; a zoo that a failure leaves as it was."""

import json
import os
import re
import sys
import threading

import keras
import numpy as np
import pytest
from cases import encoder, images
from hosting import host

import tfssl
from tfssl.zoo import FormatError, ZooError

CARD = {
    "method": "simclr",
    "dataset": "digits",
    "metrics": [{"protocol": "knn", "value": 0.5}],
}


def publish(model, zoo, name="small", **kwargs):
    return tfssl.zoo.publish(model, name, zoo=zoo, card=CARD, **kwargs)


def features(model):
    return keras.ops.convert_to_numpy(model(images(8)))


def content(folder):
    """All of a folder: bytes by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def new_encoder(seed):
    keras.utils.set_random_seed(seed)
    return encoder()


@pytest.fixture
def zoo(tmp_path):
    publish(new_encoder(0), tmp_path / "zoo", "first")
    return tmp_path / "zoo"


def test_encoder_and_projector_come_back_bit_by_bit(zoo):
    model, head = new_encoder(1), tfssl.layers.projection_head(16, (8, 4))
    publish(model, zoo, projector=head)
    loaded = tfssl.zoo.load("small", source=zoo)
    np.testing.assert_array_equal(features(loaded), features(model))
    x = features(model)
    np.testing.assert_array_equal(
        tfssl.zoo.load_projector("small", source=zoo)(x), head(x)
    )
    with pytest.raises(tfssl.zoo.NotFoundError, match="without projector.keras"):
        tfssl.zoo.load_projector("first", source=zoo)


def test_over_http_with_two_at_once(zoo, tmp_path, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    results = []

    def load():
        results.append(features(tfssl.zoo.load("first")))

    with host(zoo) as (address, state):
        monkeypatch.setenv("TFSSL_ZOO", address)
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        state.asked.clear()
        load()
        assert state.asked == ["/index.json"]
        assert tfssl.zoo.info("first")["dataset"] == "digits"
        assert list(tfssl.zoo.list()) == ["first"]
    expected = features(tfssl.zoo.load("first", source=zoo))
    assert len(results) == 3
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_the_code_in_the_card_runs(zoo, monkeypatch):
    text = (zoo / "first" / "README.md").read_text()
    (code,) = re.findall("```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.setenv("TFSSL_ZOO", str(zoo))
    variables = {"images": images(2)}
    exec(code, variables)
    assert variables["features"].shape == (2, 16)


@pytest.mark.parametrize(
    "trained, loaded", [("bfloat16",) * 2, ("float32", "bfloat16")]
)
def test_features_are_float32_under_any_policy(zoo, trained, loaded):
    names = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    keras.config.set_dtype_policy(names[trained])
    publish(encoder(), zoo)
    keras.config.set_dtype_policy(names[loaded])
    model = tfssl.zoo.load("small", source=zoo)
    keras.config.set_dtype_policy("float32")
    assert features(model).dtype == np.float32
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


def test_a_compiled_encoder_goes_without_its_optimizer(zoo):
    model = encoder()
    size = publish(model, zoo, "plain").joinpath("encoder.keras").stat().st_size
    model.compile("adam", "mse")
    model.fit(images(8), np.zeros((8, 16)), verbose=0)
    folder = publish(model, zoo, "compiled")
    assert (folder / "encoder.keras").stat().st_size < 1.05 * size


def test_the_list_prints_a_line_for_each(zoo):
    publish(encoder(), zoo, "second.v2")
    lines = repr(tfssl.zoo.list(zoo)).splitlines()
    assert [line.split()[0] for line in lines] == ["first", "second.v2"]
    assert lines[0].startswith("first      simclr on digits, ")
    assert lines[0].endswith("knn 0.5")
    (zoo / "index.json").write_text('{"format": 1, "encoders": {}}')
    assert repr(tfssl.zoo.list(zoo)) == "(no encoders)"


def test_every_user_may_read_what_is_published(zoo):
    for path in [zoo / "index.json", *(zoo / "first").iterdir()]:
        assert path.stat().st_mode & 0o444 == 0o444, path


@pytest.mark.parametrize("step", ["model.save", "model_card", "new", "index.json"])
@pytest.mark.parametrize("name", ["first", "other"])
def test_a_failure_at_any_step_leaves_the_zoo_as_it_was(zoo, monkeypatch, step, name):
    before = content(zoo)
    real = os.replace

    def replace(start, end):
        # Once: what is done to undo the failure must work.
        if os.path.basename(start) == step and not failed:
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
    assert sorted(p.name for p in zoo.iterdir()) == ["first", "index.json"]
    tfssl.zoo.load("first", source=zoo)


def test_overwriting_replaces_all_of_it(zoo):
    publish(encoder(), zoo, projector=tfssl.layers.projection_head(16, (8, 4)))
    model = new_encoder(5)
    publish(model, zoo, overwrite=True)
    assert not (zoo / "small" / "projector.keras").exists()
    loaded = tfssl.zoo.load("small", source=zoo)
    np.testing.assert_array_equal(features(loaded), features(model))
    assert sorted(p.name for p in zoo.iterdir()) == ["first", "index.json", "small"]


def test_a_name_of_the_index_or_a_folder_is_taken(zoo):
    (zoo / "folder").mkdir()
    for name in ("first", "folder"):
        before = content(zoo)
        with pytest.raises(ZooError, match="exists already"):
            publish(encoder(), zoo, name)
        assert content(zoo) == before


def test_what_is_published_meanwhile_stays(zoo, monkeypatch):
    real = sys.modules["tfssl.zoo.publish"].model_card

    def meanwhile(metadata):
        monkeypatch.undo()
        publish(encoder(), zoo, "meanwhile")
        return real(metadata)

    monkeypatch.setattr(sys.modules["tfssl.zoo.publish"], "model_card", meanwhile)
    publish(encoder(), zoo)
    assert list(tfssl.zoo.list(zoo)) == ["first", "meanwhile", "small"]


def test_a_damaged_index_is_not_replaced(zoo):
    (zoo / "index.json").write_text("{")
    with pytest.raises(FormatError):
        publish(encoder(), zoo, "small")
    assert sorted(content(zoo)) == sorted(
        ["index.json"]
        + [f"first/{file}" for file in ("README.md", "encoder.keras", "metadata.json")]
    )


def test_code_is_not_published(zoo):
    before = content(zoo)
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, 0])(image))
    with pytest.raises(ValueError, match="no Lambda layer"):
        publish(model, zoo)
    assert content(zoo) == before


def test_code_in_a_file_is_not_run(zoo):
    """A file that was made elsewhere, with a checksum that fits."""
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, 0])(image))
    model.save(zoo / "first" / "encoder.keras")
    index = json.loads((zoo / "index.json").read_text())
    facts = tfssl.zoo.index.file_facts(zoo / "first" / "encoder.keras")
    index["encoders"]["first"]["files"]["encoder.keras"] = facts
    (zoo / "index.json").write_text(json.dumps(index))
    with pytest.raises(FormatError, match="whole, but cannot be loaded here"):
        tfssl.zoo.load("first", source=zoo)


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

"""A file of a few kilobytes does not take all memory."""

import io
import json
import tracemalloc
import zipfile

import h5py
import keras
import pytest

import tfssl
from tfssl import files
from tfssl.zoo import FormatError, screening
from tfssl.zoo.archive import normalize
from tfssl.zoo.screening import check_model_file


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The members of a small file."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    x = tfssl.layers.BatchNormalization()(keras.layers.Dense(4)(x))
    path = tmp_path_factory.mktemp("model") / "a.keras"
    keras.Model(image, keras.layers.Dense(2)(x)).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, parts, packing=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_units(parts, units):
    """The last layer with so many units."""
    config = json.loads(parts["config.json"])
    config["config"]["layers"][-1]["config"]["units"] = units
    return {**parts, "config.json": json.dumps(config)}


def with_array(parts, shape):
    """An array of which no part is stored."""
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        weights.create_dataset("a/b", shape=shape, dtype="float32", chunks=(1024,))
    return {**parts, "model.weights.h5": file.getvalue()}


@pytest.mark.parametrize("half", [False, True])
def test_an_honest_file_passes(tmp_path, parts, half):
    path = write(tmp_path / "a.keras", parts)
    normalize(path, half)
    check_model_file(path)
    keras.saving.load_model(path)
    # What was not initialised is not left to this thread.
    assert keras.layers.Dense(3).weights == []
    with keras.StatelessScope():
        pass


@pytest.mark.parametrize("units", [10**8, 10**15])
def test_a_network_that_its_file_cannot_fill(tmp_path, parts, units):
    path = write(tmp_path / "a.keras", with_units(parts, units))
    tracemalloc.start()
    with pytest.raises(ValueError, match="its network would take .* bytes"):
        check_model_file(path)
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()


def test_weights_that_the_file_does_not_have(tmp_path, parts):
    path = write(tmp_path / "a.keras", with_array(parts, (10**12,)))
    with pytest.raises(ValueError, match="stored weights would take 4,000,000,000,000"):
        check_model_file(path)


def test_a_file_that_unpacks_to_far_more(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(screening, "_FLOOR", 2**18)
    parts = {**parts, "assets/a": bytes(2**20)}
    path = write(tmp_path / "a.keras", parts, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="unpacked, it would take"):
        check_model_file(path)


@pytest.mark.parametrize(
    "change",
    [
        {"config.json": b"{"},
        {"config.json": b"[" * 100_000},
        {"config.json": b"[]"},
        {"model.weights.h5": b"none"},
        None,
    ],
)
def test_a_zoo_names_whatever_is_wrong(tmp_path, parts, change):
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "encoder.keras"
    if change is None:
        path.write_bytes(b"no archive")
    else:
        write(path, {**parts, **change})
    entry = {"files": {path.name: files.facts(path)}}
    index = {"format": 1, "encoders": {"a": entry}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(FormatError, match="a is whole, but cannot be loaded here") as e:
        tfssl.zoo.load("a", source=tmp_path)
    assert "versions that its metadata does not tell" in str(e.value)


def test_layers_of_ours_are_known_in_it(tmp_path):
    encoder = tfssl.encoders.vit(8, 4, width=8, depth=1, heads=2)
    encoder.save(tmp_path / "a.keras")
    check_model_file(tmp_path / "a.keras")

import json
import os
import threading

import keras
import numpy as np
import pytest
from cases import encoder, images
from conftest import CARD
from hosting import host

import tfssl
from tfssl import files
from tfssl.zoo import FormatError, IntegrityError, NotFoundError
from tfssl.zoo.fetch import cache_folder
from tfssl.zoo.index import resolve_source


def features(model):
    return keras.ops.convert_to_numpy(model(images(8)))


def cached():
    return [p for p in cache_folder().rglob("*") if p.is_file()]


def rewrite_index(zoo, change):
    index = json.loads((zoo / "index.json").read_text())
    change(index)
    (zoo / "index.json").write_text(json.dumps(index))


def test_a_remote_encoder_is_downloaded_once(zoo, server):
    x = images(4)
    expected = tfssl.zoo.load("small", source=zoo).predict(x, verbose=0)
    for _ in range(2):
        loaded = tfssl.zoo.load("small").predict(x, verbose=0)
        np.testing.assert_array_equal(loaded, expected)
    assert server.count("/small/encoder.keras") == 1
    assert [p.name for p in cached()] == ["encoder.keras"]
    assert tfssl.zoo.load_projector("small").output_shape == (None, 4)
    assert tfssl.zoo.info("small")["method"] == "simclr"
    assert list(tfssl.zoo.names()) == ["small"]


def damage(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "flipped":
        content[len(content) // 2] ^= 1
    elif kind == "short":
        content = content[: len(content) // 2]
    elif kind == "long":
        content += b"0" * 10_000_000
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["flipped", "short", "long"])
def test_a_damaged_file_is_refused_and_not_kept(zoo, server, kind):
    damage(zoo / "small" / "encoder.keras", kind)
    with pytest.raises(IntegrityError, match="not the file that was published"):
        tfssl.zoo.load("small")
    assert cached() == []
    with pytest.raises(IntegrityError):
        tfssl.zoo.load("small", source=zoo)


def test_a_damaged_cache_is_downloaded_again(zoo, server):
    tfssl.zoo.load("small")
    damage(cached()[0], "flipped")
    tfssl.zoo.load("small")
    assert server.count("/small/encoder.keras") == 2


def test_a_missing_file(zoo, server):
    (zoo / "small" / "encoder.keras").unlink()
    with pytest.raises(NotFoundError, match="404"):
        tfssl.zoo.load("small")
    assert cached() == []
    with pytest.raises(NotFoundError, match="missing"):
        tfssl.zoo.load("small", source=zoo)


def test_unknown_names_list_what_there_is(zoo):
    with pytest.raises(NotFoundError, match="There are: small"):
        tfssl.zoo.load("large", source=zoo)
    for name in ("../small", "small/encoder.keras", "/etc/passwd"):
        with pytest.raises(NotFoundError, match="no path"):
            tfssl.zoo.load(name, source=zoo)


def test_a_newer_index_asks_for_an_upgrade(zoo, server):
    rewrite_index(zoo, lambda index: index.update(format=2))
    for source in (zoo, None):
        with pytest.raises(FormatError, match="Upgrade tfssl"):
            tfssl.zoo.load("small", source=source)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1, "encoders": {"a": 3}}'])
def test_a_broken_index(zoo, text):
    (zoo / "index.json").write_text(text)
    with pytest.raises(FormatError, match="cannot be read"):
        tfssl.zoo.names(zoo)


def test_an_index_cannot_name_files_elsewhere(zoo, server):
    def change(index):
        files = index["encoders"]["small"]["files"]
        files["../../evil"] = files["encoder.keras"]

    rewrite_index(zoo, change)
    with pytest.raises(FormatError, match="no path"):
        tfssl.zoo.load("small")
    assert cached() == []


def test_where_a_zoo_is_looked_for(zoo, tmp_path, monkeypatch):
    monkeypatch.delenv("TFSSL_ZOO", raising=False)
    assert resolve_source(f"file://{zoo}") == zoo
    assert resolve_source("http://a/zoo/") == "http://a/zoo"
    monkeypatch.setenv("TFSSL_ZOO", str(zoo))
    assert resolve_source() == zoo
    assert resolve_source(tmp_path) == tmp_path
    monkeypatch.delenv("TFSSL_ZOO")
    monkeypatch.setattr("tfssl.zoo.index.__file__", os.fspath(tmp_path / "x/a/b/c.py"))
    with pytest.raises(NotFoundError, match="no zoo beside the package"):
        resolve_source()
    for name in ("tfssl_zoo", "zoo"):
        (tmp_path / "x" / name).mkdir(parents=True)
        (tmp_path / "x" / name / "index.json").touch()
        assert resolve_source() == tmp_path / "x" / name
    with pytest.raises(NotFoundError, match="no index.json"):
        tfssl.zoo.names(tmp_path / "nothing")


def test_a_zoo_out_of_reach(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(NotFoundError, match="cannot be reached"):
        tfssl.zoo.load("small", source="http://127.0.0.1:1")


def test_over_http_with_two_at_once(zoo, tmp_path, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    results = []

    def load():
        results.append(features(tfssl.zoo.load("small")))

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
        assert tfssl.zoo.info("small")["dataset"] == "digits"
        assert list(tfssl.zoo.names()) == ["small"]
    expected = features(tfssl.zoo.load("small", source=zoo))
    assert len(results) == 3
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "trained, loaded", [("bfloat16",) * 2, ("float32", "bfloat16")]
)
def test_features_are_float32_under_any_policy(zoo, trained, loaded):
    names = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    keras.config.set_dtype_policy(names[trained])
    tfssl.zoo.publish(encoder(), "mine", zoo=zoo, card=CARD)
    keras.config.set_dtype_policy(names[loaded])
    model = tfssl.zoo.load("mine", source=zoo)
    keras.config.set_dtype_policy("float32")
    assert features(model).dtype == np.float32
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


def test_the_names_print_a_line_for_each(zoo):
    tfssl.zoo.publish(encoder(), "second.v2", zoo=zoo, card=CARD)
    lines = repr(tfssl.zoo.names(zoo)).splitlines()
    assert [line.split()[0] for line in lines] == ["second.v2", "small"]
    assert lines[1].startswith("small      simclr on digits, epochs 3, ")
    assert lines[1].endswith(", knn 0.5000")
    (zoo / "index.json").write_text('{"format": 1, "encoders": {}}')
    assert repr(tfssl.zoo.names(zoo)) == "(no encoders)"


def test_code_in_a_file_is_not_run(zoo):
    """A file that was made elsewhere, with a checksum that fits."""
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, 0])(image))
    model.save(zoo / "small" / "encoder.keras")
    index = json.loads((zoo / "index.json").read_text())
    facts = files.facts(zoo / "small" / "encoder.keras")
    index["encoders"]["small"]["files"]["encoder.keras"] = facts
    (zoo / "index.json").write_text(json.dumps(index))
    with pytest.raises(FormatError, match="whole, but cannot be loaded here"):
        tfssl.zoo.load("small", source=zoo)

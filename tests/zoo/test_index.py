"""What an index may say: paths are made of it, so nothing but names and checksums."""

import copy
import json

import pytest

import tfssl
from tfssl.zoo import FormatError, NotFoundError, ZooError
from tfssl.zoo.index import (
    check_name,
    folder_to_write,
    parse_index,
    resolve_source,
)

FACTS = {"sha256": "0" * 64, "size": 3}
INDEX = {"format": 1, "encoders": {"a": {"files": {"encoder.keras": FACTS}}}}


def changed(**facts):
    index = copy.deepcopy(INDEX)
    index["encoders"]["a"]["files"]["encoder.keras"].update(facts)
    return index


def test_a_good_index_gives_its_entries():
    assert parse_index(json.dumps(INDEX), "here") == INDEX["encoders"]
    assert parse_index('{"format": 1, "encoders": {}}', "here") == {}


@pytest.mark.parametrize(
    "index, what",
    [
        ([], "list"),
        ({}, "'format' is missing"),
        ({"format": 1}, "'encoders' is missing"),
        ({"format": "1", "encoders": {}}, "format is '1'"),
        ({"format": 0, "encoders": {}}, "format is 0"),
        ({"format": 1, "encoders": []}, "list"),
        ({"format": 1, "encoders": {"a": {}}}, "'files' is missing"),
        ({"format": 1, "encoders": {"../a": {"files": {}}}}, "no path"),
        ({"format": 1, "encoders": {"a": {"files": {"../f": FACTS}}}}, "no path"),
        ({"format": 1, "encoders": {"a": {"files": {"/etc/f": FACTS}}}}, "no path"),
        ({"format": 1, "encoders": {"a": {"files": {"b\\f": FACTS}}}}, "no path"),
        ({"format": 1, "encoders": {"a": {"files": {"..": FACTS}}}}, "no path"),
        ({"format": 1, "encoders": {"a": {"files": {}, "summary": 3}}}, "int"),
        (changed(size=-1), "not the size"),
        (changed(size="3"), "not the size"),
        (changed(size=True), "not the size"),
        (changed(size=None), "not the size"),
        (changed(sha256="../../../../evil"), "not the sha256"),
        (changed(sha256="A" * 64), "not the sha256"),
        (changed(sha256="0" * 63), "not the sha256"),
        (changed(sha256=None), "not the sha256"),
    ],
)
def test_a_bad_index_says_what_is_wrong(index, what):
    with pytest.raises(FormatError, match="index of here cannot be read") as error:
        parse_index(json.dumps(index), "here")
    assert what in str(error.value)


@pytest.mark.parametrize("text", [b"", b"{", b"<html>", b"\xff\xfe\x00"])
def test_what_is_no_json(text):
    with pytest.raises(FormatError, match="index of here cannot be read"):
        parse_index(text, "here")


def test_a_newer_format_may_look_different_in_all_the_rest():
    text = json.dumps({"format": 2, "entries": ["a"]})
    with pytest.raises(FormatError, match="format 2.*reads format 1.*Upgrade tfssl"):
        parse_index(text, "here")


@pytest.mark.parametrize("name", ["a", "simclr_resnet18-cifar10.v2", "0"])
def test_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../a", "/a", "a\\b", "-a", "A", "a b", "a\n", "é", None, 3]
    + ["index.json"],
)
def test_what_is_no_name(name, tmp_path):
    with pytest.raises(NotFoundError, match="no path"):
        check_name(name)
    (tmp_path / "index.json").write_text(json.dumps(INDEX))
    for use in (tfssl.zoo.load, tfssl.zoo.info, tfssl.zoo.load_projector):
        with pytest.raises(NotFoundError, match="no path"):
            use(name, source=tmp_path)


def test_addresses(tmp_path, monkeypatch):
    folder = tmp_path / "with space"
    assert resolve_source(folder.as_uri()) == folder
    assert resolve_source(str(folder)) == folder
    assert resolve_source("https://a.example/zoo/") == "https://a.example/zoo"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_source("~/zoo") == tmp_path / "zoo"
    for address in ("ftp://a.example/zoo", "gs://bucket/zoo"):
        with pytest.raises(NotFoundError, match="http"):
            resolve_source(address)


def test_the_argument_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TFSSL_ZOO", "https://a.example/zoo")
    assert resolve_source() == "https://a.example/zoo"
    assert resolve_source(tmp_path) == tmp_path


def test_a_zoo_is_written_to_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder_to_write("~/zoo") == tmp_path / "zoo"
    assert folder_to_write(f"file://{tmp_path}/zoo") == tmp_path / "zoo"
    assert folder_to_write(tmp_path / "zoo") == tmp_path / "zoo"
    for address in ("https://example.org/zoo", "hf://owner/repo", ""):
        with pytest.raises(ZooError, match=f"in a folder. Received: '{address}'"):
            folder_to_write(address)

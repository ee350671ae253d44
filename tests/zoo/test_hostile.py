"""A zoo that somebody made to break its reader: named errors, and nothing opened."""

import json
import os
import signal

import pytest
from cases import pixels

import tfssl
from tfssl import files
from tfssl.zoo import FormatError, IntegrityError, NotFoundError, ZooError
from tfssl.zoo.index import check_name, parse_index, resolve_source

CARD = {"method": "none", "dataset": "none"}


@pytest.fixture(autouse=True)
def time_limit():
    """What waits for a pipe fails, and does not hang."""

    def stop(*_):
        raise TimeoutError("it waited")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def shelf(tmp_path):
    """A zoo whose encoder `a` has metadata alone."""
    (tmp_path / "a").mkdir()
    put(tmp_path, b'{"method": "none"}')
    return tmp_path


def put(zoo, metadata):
    (zoo / "a" / "metadata.json").write_bytes(metadata)
    entry = {"files": {"metadata.json": files.facts(zoo / "a" / "metadata.json")}}
    index = {"format": 1, "encoders": {"a": entry}}
    (zoo / "index.json").write_text(json.dumps(index))


def replace(path, kind):
    """Puts what is no file in a file's place."""
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path.name)


KINDS = ("folder", "pipe", "device", "loop")


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_is_no_file_is_not_opened(shelf, kind):
    replace(shelf / "index.json", kind)
    with pytest.raises(NotFoundError, match="index.json"):
        tfssl.zoo.names(shelf)
    with pytest.raises(NotFoundError, match="index.json"):
        tfssl.zoo.publish(pixels(), "b", zoo=shelf, card=CARD)
    assert sorted(os.listdir(shelf)) == ["a", "index.json"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_an_encoder_that_is_no_file_is_not_opened(shelf, kind):
    assert tfssl.zoo.info("a", source=shelf) == {"method": "none"}
    replace(shelf / "a" / "metadata.json", kind)
    with pytest.raises(NotFoundError, match="metadata.json"):
        tfssl.zoo.info("a", source=shelf)


def test_a_file_of_another_size_is_not_read(shelf, monkeypatch):
    (shelf / "a" / "metadata.json").write_bytes(b"?" * 1000)
    monkeypatch.setattr(files, "facts", None)
    with pytest.raises(IntegrityError, match="Received: 1000 bytes"):
        tfssl.zoo.info("a", source=shelf)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1]", b"3", b"null", b"\xff", b"[" * 100_000]
)
def test_metadata_with_the_right_checksum_that_is_none(shelf, text):
    put(shelf, text)
    with pytest.raises(FormatError, match="metadata.json cannot be read"):
        tfssl.zoo.info("a", source=shelf)


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_a_deeply_nested_index(depth):
    text = '{"format": 1, "encoders": {"a": ' + "[" * depth
    with pytest.raises(FormatError, match="index of here cannot be read"):
        parse_index(text, "here")
    text += "]" * depth + "}}"
    with pytest.raises(FormatError, match="index of here cannot be read"):
        parse_index(text, "here")


@pytest.mark.parametrize("summary", [[], [["epochs", 3]], "x", 3, None])
def test_a_summary_is_a_dict(summary):
    index = {"format": 1, "encoders": {"a": {"files": {}, "summary": summary}}}
    with pytest.raises(FormatError, match="summary of a is no dict"):
        parse_index(json.dumps(index), "here")


def test_an_index_is_not_read_beyond_its_limit(shelf, monkeypatch):
    monkeypatch.setattr("tfssl.zoo.regular._MOST_TEXT", 20)
    with pytest.raises(FormatError, match="longer than 20 bytes"):
        tfssl.zoo.names(shelf)


def test_names_that_no_file_system_takes(shelf):
    assert check_name("a" * 200)
    with pytest.raises(NotFoundError, match="200 at most"):
        tfssl.zoo.load("a" * 300, source=shelf)
    facts = {"size": 1, "sha256": "0" * 64}
    for file in ("f" * 300, "f" * 201):
        index = {"format": 1, "encoders": {"a": {"files": {file: facts}}}}
        with pytest.raises(FormatError, match="no path"):
            parse_index(json.dumps(index), "here")


@pytest.mark.parametrize(
    "source",
    ["http://[::1", "https://[", "http://", "http://a b/", "http://a:port/"]
    + ["http://" + "a" * 70 + ".example", "file://[::1", "~no_such_user/zoo"]
    + ["n" * 300, "/dev/null", "a\0b", "file:///a%00b"],
)
def test_addresses_that_are_none(source):
    with pytest.raises(ZooError):
        tfssl.zoo.names(source)


def test_a_pin_holds_the_index_and_so_the_files(shelf, monkeypatch):
    pin = files.facts(shelf / "index.json")["sha256"]
    assert tfssl.zoo.info("a", source=shelf, pin=pin.upper())["method"] == "none"
    assert list(tfssl.zoo.names(shelf, pin=pin)) == ["a"]
    # Whoever owns the index can change the file and its checksum, but not this.
    put(shelf, b'{"method": "evil"}')
    assert tfssl.zoo.info("a", source=shelf)["method"] == "evil"
    for use in (tfssl.zoo.info, tfssl.zoo.load, tfssl.zoo.load_projector):
        with pytest.raises(IntegrityError, match="not the one that is pinned") as error:
            use("a", source=shelf, pin=pin)
        received = files.facts(shelf / "index.json")["sha256"]
        assert pin in str(error.value) and received in str(error.value)
    with pytest.raises(IntegrityError, match="pinned"):
        tfssl.zoo.names(shelf, pin=pin)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        tfssl.zoo.names(shelf, pin=pin[:-1])


def test_the_pin_of_the_environment_is_of_its_zoo(shelf, monkeypatch):
    monkeypatch.setenv("TFSSL_ZOO", str(shelf))
    monkeypatch.setenv("TFSSL_ZOO_PIN", "0" * 64)
    with pytest.raises(IntegrityError, match="pinned"):
        tfssl.zoo.names()
    assert list(tfssl.zoo.names(shelf)) == ["a"]
    monkeypatch.setenv("TFSSL_ZOO_PIN", files.facts(shelf / "index.json")["sha256"])
    assert list(tfssl.zoo.names()) == ["a"]
    assert resolve_source() == shelf

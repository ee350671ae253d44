"""Downloads: checked, complete or absent, safe to make twice at once."""

import hashlib
import json
import os
import threading

import pytest
from hosting import broken, cut, host, silent

from tfssl.zoo import FormatError, IntegrityError, NotFoundError
from tfssl.zoo.fetch import cache_folder, fetch, read_index

# The downloads show a progress bar.
pytest.importorskip("tqdm")

CONTENT = os.urandom(200_000)
FACTS = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}
INDEX = {"format": 1, "encoders": {"a": {"files": {"encoder.keras": FACTS}}}}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder with one file that looks like an encoder's, and an empty cache."""
    folder = tmp_path / "shelf"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "encoder.keras").write_bytes(CONTENT)
    (folder / "index.json").write_text(json.dumps(INDEX))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def remote(shelf):
    with host(shelf) as (address, state):
        yield address, state


def get(source, facts=FACTS):
    return fetch(source, "a", "encoder.keras", facts)


def cached():
    return [path for path in cache_folder().rglob("*") if path.is_file()]


def test_a_file_is_downloaded_once_and_kept_under_its_checksum(remote, tmp_path):
    address, state = remote
    path = get(address)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(tmp_path / "home" / "tfssl" / "zoo")
    assert path.parent.name == FACTS["sha256"][:16]
    assert get(address) == path
    assert state.asked == ["/a/encoder.keras"]
    assert cached() == [path]


def test_a_file_published_anew_is_another_file(remote, shelf):
    address, _ = remote
    old = get(address)
    changed = CONTENT[::-1]
    (shelf / "a" / "encoder.keras").write_bytes(changed)
    facts = {"sha256": hashlib.sha256(changed).hexdigest(), "size": len(changed)}
    new = get(address, facts)
    assert new != old
    assert (old.read_bytes(), new.read_bytes()) == (CONTENT, changed)


@pytest.mark.parametrize("place", [0, 100_000, -1])
def test_one_flipped_bit_is_noticed(remote, shelf, place):
    content = bytearray(CONTENT)
    content[place] ^= 1
    (shelf / "a" / "encoder.keras").write_bytes(content)
    for source in (remote[0], shelf):
        with pytest.raises(IntegrityError, match="encoder.keras") as error:
            get(source)
        received = hashlib.sha256(content).hexdigest()
        assert FACTS["sha256"] in str(error.value) and received in str(error.value)
    assert cached() == []


@pytest.mark.parametrize("size", [0, 1, 199_999])
def test_a_shortened_file_is_noticed(remote, shelf, size):
    (shelf / "a" / "encoder.keras").write_bytes(CONTENT[:size])
    for source in (remote[0], shelf):
        with pytest.raises(IntegrityError, match=f"200000 bytes .* {size} bytes"):
            get(source)
    assert cached() == []


def test_an_endless_file_is_not_read_on(remote):
    address, state = remote
    state.answers["encoder.keras"] = state.endless
    with pytest.raises(IntegrityError, match="more bytes than that"):
        get(address)
    assert cached() == []
    # What the sockets hold comes on top of the file's 200,000 bytes.
    assert state.sent < 32 * 2**20


def test_no_more_than_the_stated_size_is_written(remote, monkeypatch):
    address, state = remote
    state.answers["encoder.keras"] = state.endless
    sizes = []
    unlink = os.unlink

    def watch(path):
        sizes.append(os.path.getsize(path))
        unlink(path)

    monkeypatch.setattr(os, "unlink", watch)
    with pytest.raises(IntegrityError):
        get(address)
    assert len(sizes) == 1 and sizes[0] <= FACTS["size"]


@pytest.mark.parametrize(
    "answer, error, message",
    [
        (cut, (IntegrityError, NotFoundError), "encoder.keras"),
        (broken, NotFoundError, "answers 500"),
        (silent, NotFoundError, "cannot be reached .*timed out"),
    ],
)
def test_a_host_that_fails_leaves_nothing(remote, monkeypatch, answer, error, message):
    address, state = remote
    state.answers["encoder.keras"] = answer
    with monkeypatch.context() as patch:
        patch.setattr("tfssl.zoo.fetch._TIMEOUT", 0.3)
        with pytest.raises(error, match=message):
            get(address)
    assert cached() == []
    state.answers.clear()
    assert get(address).read_bytes() == CONTENT


def test_an_interrupted_download_leaves_nothing(remote, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            get(remote[0])
    assert cached() == []


def test_a_damaged_copy_in_the_cache_is_not_used(remote):
    address, state = remote
    path = get(address)
    path.write_bytes(CONTENT[:-1] + b"?")
    assert get(address).read_bytes() == CONTENT
    assert len(state.asked) == 2
    path.write_bytes(b"")
    state.answers["encoder.keras"] = broken
    with pytest.raises(NotFoundError):
        get(address)
    assert cached() == []


def test_downloads_at_once_do_not_disturb_each_other(remote):
    address, state = remote
    count = 4
    # No answer before all have asked: every one of them downloads.
    state.meeting = threading.Barrier(count)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(get(address).read_bytes()))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [CONTENT] * count
    assert len(state.asked) == count
    assert len(cached()) == 1


def test_one_that_fails_does_not_disturb_another(remote):
    address, state = remote
    state.meeting = threading.Barrier(2)
    outcome = {}

    def load(key, facts):
        try:
            outcome[key] = get(address, facts).read_bytes()
        except IntegrityError as error:
            outcome[key] = error

    wrong = {**FACTS, "sha256": FACTS["sha256"][:16] + "0" * 48}  # the same folder
    threads = [
        threading.Thread(target=load, args=case)
        for case in (("good", FACTS), ("bad", wrong))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcome["good"] == CONTENT
    assert isinstance(outcome["bad"], IntegrityError)
    assert len(cached()) == 1


def test_a_missing_file_is_named(remote, shelf):
    (shelf / "a" / "encoder.keras").unlink()
    with pytest.raises(NotFoundError, match="/a/encoder.keras answers 404"):
        get(remote[0])
    with pytest.raises(NotFoundError, match="is missing, though the index has it"):
        get(shelf)
    assert cached() == []


def test_the_index_is_the_same_from_a_folder_and_from_http(remote, shelf):
    assert read_index(remote[0]) == read_index(shelf) == INDEX["encoders"]


def test_an_endless_index_is_not_read_on(remote, monkeypatch):
    monkeypatch.setattr("tfssl.zoo.regular._MOST_TEXT", 100_000)
    address, state = remote
    state.answers["index.json"] = state.endless
    with pytest.raises(FormatError, match="longer than"):
        read_index(address)
    assert state.sent < 32 * 2**20


def test_no_zoo_at_an_address(remote, shelf):
    (shelf / "index.json").unlink()
    with pytest.raises(NotFoundError, match="index.json answers 404"):
        read_index(remote[0])
    with pytest.raises(NotFoundError, match="no index.json"):
        read_index(shelf)

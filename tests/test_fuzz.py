"""A sample of `python tests/fuzz.py`, and that it would notice what it looks for."""

import os
import signal
import time

import fuzz
import fuzz_targets
import pytest

# Pillow warns of what it goes on without.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

SAMPLE = {kind: 60 for kind in fuzz.KINDS} | {"keras": 4}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (tmp_path / "files").mkdir()
    before = signal.getsignal(signal.SIGALRM)
    yield tmp_path / "files"
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_good_files_are_read(place, kind):
    for name, content in fuzz_targets.TARGETS[kind].good():
        assert fuzz.tried(kind, place, name, content) == ("read", ""), name


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_mutated_files_are_read_or_refused(place, kind):
    outcomes = set()
    for number, name, content in fuzz.cases(kind, 2026, 0, SAMPLE[kind]):
        outcome, why = fuzz.tried(kind, place, name, content)
        assert outcome in ("read", "refused"), f"{number}: {why}"
        outcomes.add(outcome)
    assert "refused" in outcomes


def hang(folder, name):
    time.sleep(60)


def litter(folder, name):
    (folder / "left").touch()


def crash(folder, name):
    raise KeyError(name)


def refuse(folder, name):
    raise ValueError("no name")


def waste(folder, name):
    bytearray(b"x" * (fuzz.GIB + 2**26))


@pytest.mark.parametrize(
    "reader, why",
    [
        (hang, "more than 1 seconds"),
        (litter, "left or removed"),
        (crash, "KeyError"),
        (refuse, "no name"),
        (waste, "GiB for 4 bytes"),
    ],
)
def test_what_a_reader_must_not_do_is_noticed(place, monkeypatch, reader, why):
    if reader is waste and not os.path.exists("/proc/self/clear_refs"):
        pytest.skip("the system does not tell the peak of memory")
    if reader is hang:
        monkeypatch.setattr(fuzz, "LIMIT", 1)
    monkeypatch.setattr(fuzz, "GIB", 2**26)
    monkeypatch.setattr(fuzz_targets.TARGETS["image"], "read", reader)
    outcome, told = fuzz.tried("image", place, "a.png", b"1234")
    assert outcome == "wrong" and why in told

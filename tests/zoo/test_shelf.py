"""A zoo whose publishers are killed, or are many: nothing is lost or half there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tfssl import files, locks
from tfssl.locks import locked
from tfssl.zoo import ZooError
from tfssl.zoo.fetch import fetch, read_index
from tfssl.zoo.shelf import add_file, new_encoder

FILES = ("encoder.keras", "metadata.json", "README.md")


def start(zoo, names, **how):
    """A publisher in a process of its own."""
    script = Path(__file__).parent / "publisher.py"
    command = [sys.executable, script, zoo, json.dumps({"names": names, **how})]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def add(zoo, name, text="", overwrite=False):
    with new_encoder(zoo, name, {"text": text}, overwrite) as new:
        for file in FILES:
            (new / file).write_text(f"{text} {file}")


def add_one(zoo, text):
    """Gives `mine` one more file."""
    encoder = read_index(zoo)["mine"]["files"]["encoder.keras"]
    add_file(zoo, "mine", "more.txt", f"{text} more.txt", encoder)


def check(zoo):
    """The zoo has what its index says, and nothing else. Texts by names."""
    encoders = read_index(zoo)
    assert sorted(os.listdir(zoo)) == sorted([*encoders, "index.json"])
    for name, entry in encoders.items():
        assert sorted(entry["files"]) == sorted(os.listdir(zoo / name))
        for file, facts in entry["files"].items():
            path = fetch(zoo, name, file, facts)
            assert path.read_text() == f"{entry['summary']['text']} {file}"
    return {name: entry["summary"]["text"] for name, entry in encoders.items()}


@pytest.mark.parametrize(
    "die, name", [(1, "mine"), (2, "mine"), (2, "other"), (3, "other")]
)
def test_killed_while_it_publishes(tmp_path, die, name):
    add(tmp_path, "first", "kept")
    killed = start(tmp_path, ["mine"], text="lost", die=die)
    assert killed.wait(timeout=20) == -signal.SIGKILL
    # The folder is there before the index knows it; the third is the removal.
    known = {"first", "mine"} if die == 3 else {"first"}
    assert set(read_index(tmp_path)) == known
    assert len(list(tmp_path.glob(".partial-*"))) >= 1
    add(tmp_path, name, "healed", overwrite=name in known)
    if name == "other" and die == 2:
        # What nobody asks for by its name again stays, and hurts nobody.
        shutil.rmtree(tmp_path / "mine")
    mine = {"mine": "lost"} if die == 3 else {}
    assert check(tmp_path) == {"first": "kept", **mine, name: "healed"}


@pytest.mark.parametrize(
    "die, name", [(1, "other"), (2, "mine"), (2, "other"), (3, "other"), (4, "other")]
)
def test_killed_while_it_replaces(tmp_path, die, name):
    add(tmp_path, "mine", "old")
    killed = start(tmp_path, ["mine"], text="new", overwrite=True, die=die)
    assert killed.wait(timeout=20) == -signal.SIGKILL
    add(tmp_path, name, "healed", overwrite=True)
    # Of the two, the one that the index has: with all its files.
    mine = "new" if die == 4 else "old"
    assert check(tmp_path) == {"mine": mine, name: "healed"}


@pytest.mark.parametrize(
    "old, die",
    [(False, 1), (False, 2), (False, 3), *((True, die) for die in range(1, 5))],
)
def test_killed_while_it_adds_a_file(tmp_path, old, die):
    """What the index names is whole at each moment, and the next one mends the rest."""
    add(tmp_path, "mine", "same")
    if old:
        add_one(tmp_path, "other")
        add_one(tmp_path, "same")
    killed = start(tmp_path, ["mine"], text="same", file="more.txt", die=die)
    assert killed.wait(timeout=20) == -signal.SIGKILL
    named = read_index(tmp_path)["mine"]["files"]
    for file, facts in named.items():
        path = fetch(tmp_path, "mine", file, facts)
        assert path.read_text() == f"same {file}"
    assert set(named) - {"more.txt"} == set(FILES)
    assert ("more.txt" in named) == (old and die < 3)
    add_one(tmp_path, "same")
    assert check(tmp_path) == {"mine": "same"}
    assert (tmp_path / "mine" / "more.txt").exists()


def test_a_file_that_cannot_be_added_leaves_the_encoder(tmp_path, monkeypatch):
    add(tmp_path, "mine", "same")
    add_one(tmp_path, "same")
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda descriptor: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            add_one(tmp_path, "other")
    assert check(tmp_path) == {"mine": "same"}


def test_what_was_made_of_another_encoder_is_not_added(tmp_path):
    add(tmp_path, "mine", "old")
    encoder = read_index(tmp_path)["mine"]["files"]["encoder.keras"]
    add(tmp_path, "mine", "new", overwrite=True)
    for name in ("mine", "nobody"):
        with pytest.raises(ZooError, match="was replaced or taken away"):
            add_file(tmp_path, name, "more.txt", "old", encoder)
    assert check(tmp_path) == {"mine": "new"}


def test_with_another_encoder_goes_what_was_added(tmp_path):
    add(tmp_path, "mine", "old")
    add_one(tmp_path, "old")
    add(tmp_path, "mine", "new", overwrite=True)
    assert check(tmp_path) == {"mine": "new"}
    assert not (tmp_path / "mine" / "more.txt").exists()


def test_two_publishers_at_once_lose_nothing(tmp_path):
    zoo, go = tmp_path / "zoo", tmp_path / "go"
    names = [[f"{who}{i}" for i in range(10)] for who in "ab"]
    both = [start(zoo, mine, text=mine[0][0], go=str(go)) for mine in names]
    go.touch()
    for process in both:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and out.split() == ["done"] * 10
    assert check(zoo) == {name: name[0] for mine in names for name in mine}


def test_of_two_with_one_name_one_is_refused(tmp_path):
    zoo, go = tmp_path / "zoo", tmp_path / "go"
    both = [start(zoo, ["same"], text=who, go=str(go)) for who in "ab"]
    go.touch()
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert sorted(line == "done" for line in said) == [False, True]
    assert any("exists already" in line for line in said)
    assert check(zoo) == {"same": "ab"[said.index("done")]}


def test_what_another_writes_is_left_alone(tmp_path):
    with new_encoder(tmp_path, "slow", {"text": ""}) as new:
        add(tmp_path, "quick")
        assert new.is_dir()
        for file in FILES:
            (new / file).write_text(f" {file}")
    assert check(tmp_path) == {"quick": "", "slow": ""}


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    add(tmp_path, "mine")
    (tmp_path / ".partial-abcdefgh" / "new").mkdir(parents=True)
    (tmp_path / f".partial-{'0' * 32}-index.json").write_text("{")
    add(tmp_path, "other")
    assert check(tmp_path) == {"mine": "", "other": ""}


@pytest.mark.parametrize("held", ["empty", "notes", "link"])
def test_a_folder_that_no_publisher_left_is_not_taken(tmp_path, held):
    zoo, folder = tmp_path / "zoo", tmp_path / "zoo" / "mine"
    add(zoo, "mine")
    index = json.loads((zoo / "index.json").read_text())
    (zoo / "index.json").write_text(json.dumps({**index, "encoders": {}}))
    if held == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    elif held == "notes":
        (folder / "notes.txt").write_text("of somebody's")
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    before = sorted(os.listdir(folder))
    with pytest.raises(ZooError, match="exists already"):
        add(zoo, "mine", "new")
    assert sorted(os.listdir(folder)) == before
    assert read_index(zoo) == {}


def test_a_name_that_is_taken_meanwhile(tmp_path):
    with pytest.raises(ZooError, match="exists already"):
        with new_encoder(tmp_path, "mine", {"text": "late"}):
            add(tmp_path, "mine", "first")
    assert check(tmp_path) == {"mine": "first"}


def test_a_zoo_that_is_held_is_waited_for(tmp_path, monkeypatch):
    add(tmp_path, "mine")
    monkeypatch.setattr(locks, "_PATIENCE", 0.1)
    with locked(tmp_path):
        with pytest.raises(ZooError, match="has held .* for 0.1 seconds"):
            add(tmp_path, "other")
    monkeypatch.setattr(locks, "_PATIENCE", 20)
    with locked(tmp_path):
        thread = threading.Thread(target=add, args=(tmp_path, "other"))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
    thread.join()
    assert check(tmp_path) == {"mine": "", "other": ""}


def test_where_there_are_no_locks_nothing_is_tidied(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    (tmp_path / ".partial-mine.abcdefgh").mkdir()
    add(tmp_path, "mine")
    assert (tmp_path / ".partial-mine.abcdefgh").is_dir()
    assert files.facts(tmp_path / "mine" / "README.md")["size"]

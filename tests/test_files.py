"""Files are whole or not there."""

import os
import subprocess

import keras
import pytest

from tfssl import files


def test_facts(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.facts(tmp_path / "f") == {"sha256": digest, "size": 3}


def test_facts_of_more_than_a_block(tmp_path):
    (tmp_path / "f").write_bytes(b"a" * 2_000_000)
    found = files.facts(tmp_path / "f")
    # sha256sum of two million "a"
    assert found["size"] == 2_000_000
    assert found["sha256"].startswith("bcf7f9d1b4311c33")


def test_a_commit_is_that_of_this_package(tmp_path, monkeypatch):
    """An environment may lie in somebody's repository."""
    package = tmp_path / ".venv" / "tfssl"
    package.mkdir(parents=True)
    (package / "files.py").write_text("")

    def git(*arguments):
        author = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    assert files.commit() is None
    git("add", "-f", ".venv")
    git("commit", "-q", "-m", "a package")
    assert len(files.commit()) == 12


def test_text_takes_the_place_of_what_was_there(tmp_path):
    for text in ("one\n", "two\r\nlines\n"):
        files.write_text(tmp_path / "f", text)
        assert (tmp_path / "f").read_bytes() == text.encode()
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    files.write_text(tmp_path / "f", "before")
    with pytest.raises(error), files.whole_file(tmp_path / "f") as file:
        file.write("half")
        raise error
    assert os.listdir(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "before"


def test_nothing_has_the_name_before_it_is_whole(tmp_path):
    with files.whole_file(tmp_path / "f", "wb") as file:
        file.write(b"half")
        (partial,) = os.listdir(tmp_path)
        assert partial.startswith(files.PARTIAL)
    assert os.listdir(tmp_path) == ["f"]


def test_others_may_read_what_is_written(tmp_path):
    files.write_text(tmp_path / "f", "text")
    (tmp_path / "plain").write_text("text")
    mode = (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "f").stat().st_mode == mode


def test_a_model_that_cannot_be_saved_leaves_nothing(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    files.save_model(model, tmp_path / "m.keras")
    assert os.listdir(tmp_path) == ["m.keras"]
    keras.saving.load_model(tmp_path / "m.keras")

    def half(path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(model, "save", half)
    with pytest.raises(OSError, match="disk full"):
        files.save_model(model, tmp_path / "other.keras")
    assert os.listdir(tmp_path) == ["m.keras"]

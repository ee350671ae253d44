import os

import pytest

from tfssl.data import walk


def touch(folder, *paths):
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")


def test_files_are_sorted_and_judged_by_their_names(tmp_path):
    touch(tmp_path, "b.jpg", "a/2.png", "a/1.txt", "a.gif", "c/d/e.jpg", ".git/x.jpg")
    touch(tmp_path, ".hidden.jpg")
    assert list(walk.walk(str(tmp_path))) == [
        (".hidden.jpg", "hidden"),
        ("a/1.txt", ".txt"),
        ("a/2.png", None),
        ("a.gif", None),
        ("b.jpg", None),
        ("c/d/e.jpg", None),
    ]
    assert walk.files(tmp_path) == [
        (".hidden.jpg", "hidden"),
        ("a.gif", None),
        ("b.jpg", None),
    ]
    assert walk.subfolders(tmp_path) == ["a", "c"]


def test_links_that_lead_in_circles_end(tmp_path):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to("../a")
    (tmp_path / "b" / "up").symlink_to("..")
    whole = [("a/1.jpg", None), ("b/2.jpg", None)]
    assert list(walk.walk(tmp_path)) == whole
    assert list(walk.walk(tmp_path / "a")) == [("1.jpg", None), ("to_b/2.jpg", None)]


def test_a_folder_has_its_own_name_before_that_of_a_link(tmp_path):
    touch(tmp_path, "set/z/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "set" / "a").symlink_to("z")
    (tmp_path / "set" / "b").symlink_to(tmp_path / "elsewhere")
    found = list(walk.walk(tmp_path / "set"))
    assert found == [("z/1.jpg", None), ("b/2.jpg", None)]


def test_links_to_files_count_and_links_to_nothing_do_not(tmp_path):
    touch(tmp_path, "set/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "set" / "2.jpg").symlink_to(tmp_path / "elsewhere" / "2.jpg")
    (tmp_path / "set" / "3.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "set" / "4.jpg").symlink_to("5.jpg")
    (tmp_path / "set" / "5.jpg").symlink_to("4.jpg")
    assert list(walk.walk(tmp_path / "set")) == [
        ("1.jpg", None),
        ("2.jpg", None),
        ("3.jpg", "not a file"),
        ("4.jpg", "not a file"),
        ("5.jpg", "not a file"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipes_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert list(walk.walk(tmp_path)) == [("a.jpg", "not a file")]


def test_500_nested_folders(tmp_path):
    deep = "/".join(["d"] * 500)
    touch(tmp_path, f"{deep}/a.jpg")
    assert list(walk.walk(tmp_path)) == [(f"{deep}/a.jpg", None)]

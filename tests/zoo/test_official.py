"""Official weights: fetched, checked, converted, kept; from a host of our own.

`UPDATE=1 pytest tests/zoo/test_official.py` writes the table of the docs anew.
"""

import dataclasses
import hashlib
import os
import sys
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from checkpoint_writer import write_zip
from hosting import broken, host

import tfssl
from tfssl.zoo import FormatError, IntegrityError, NotFoundError, official_weights
from tfssl.zoo.fetch import cache_folder
from tfssl.zoo.official_entries import OFFICIAL, File

pytest.importorskip("tqdm")
sys.path.insert(0, str(Path(__file__).parents[1] / "references"))
from checkpoint_weights import weights  # noqa: E402

NAME = "moco_v2_resnet50_imagenet"
FILE = OFFICIAL[NAME].files[0].name


def state():
    return weights((1, 1, 1, 1), False, 4)


def assert_converted(encoder):
    assert (encoder.name, encoder.output_shape) == (NAME, (None, 32))
    kernel = encoder.get_layer("stage4_block1_2_conv").kernel
    expected = state()["layer4.0.conv2.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel, expected)
    norm = encoder.get_layer("stem_norm")
    np.testing.assert_array_equal(norm.moving_variance, state()["bn1.running_var"])
    # Plain Keras.
    assert type(norm) is keras.layers.BatchNormalization


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder with a small network in MoCo's layout, and an empty cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TFSSL_ZOO", raising=False)
    folder = tmp_path / "shelf"
    folder.mkdir()
    named = {f"module.encoder_q.{name}": array for name, array in state().items()}
    write_zip(folder / FILE, {"state_dict": named, "epoch": 800})
    return folder


@pytest.fixture
def remote(shelf):
    with host(shelf) as (address, state):
        yield address, state


@pytest.fixture
def publish(remote, shelf, monkeypatch):
    """Makes the entry one of the host's file, of which these facts are known."""

    def change(licence="MIT", **facts):
        file = File(f"{remote[0]}/{FILE}", **facts)
        entry = dataclasses.replace(OFFICIAL[NAME], files=(file,), licence=licence)
        monkeypatch.setitem(OFFICIAL, NAME, entry)

    return change


def digest(shelf, kind="sha256"):
    return hashlib.new(kind, (shelf / FILE).read_bytes()).hexdigest()


def cached():
    return sorted(p.name for p in cache_folder().rglob("*") if p.is_file())


KEPT = sorted(
    [
        "README.md",
        "encoder.keras",
        "index.html",
        "index.json",
        "metadata.json",
        "pins.json",
    ]
)


def test_an_official_encoder_is_converted_once(publish, remote, shelf):
    publish(sha256=digest(shelf), size=(shelf / FILE).stat().st_size)
    with warnings.catch_warnings():
        # It is verified, and free to use.
        warnings.simplefilter("error", UserWarning)
        encoder = tfssl.zoo.load(NAME)
    assert_converted(encoder)
    assert cached() == KEPT
    assert remote[1].asked == [f"/{FILE}"]
    info = tfssl.zoo.info(NAME)
    assert (info["licence"], info["verified"]) == ("MIT", True)
    assert info["first_download"][FILE]["sha256"] == digest(shelf)


def tiny(*_, name):
    """In place of a conversion, which takes seconds."""
    image = keras.Input((8, 8, 3))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(image), name=name)


def test_nothing_is_downloaded_or_converted_twice(publish, remote, shelf, monkeypatch):
    publish(sha256=digest(shelf))
    made = []

    def convert(path, scheme, name):
        assert path.read_bytes() == (shelf / FILE).read_bytes()
        made.append(scheme)
        return tiny(name=name)

    monkeypatch.setattr(official_weights, "convert", convert)
    for _ in range(2):
        assert tfssl.zoo.load(NAME).output_shape == (None, 3)
    assert made == ["moco"] and remote[1].asked == [f"/{FILE}"]
    # A damaged copy is made again.
    (path,) = cache_folder().rglob("encoder.keras")
    path.write_bytes(path.read_bytes()[:-1])
    assert tfssl.zoo.load(NAME).output_shape == (None, 3)
    assert made == ["moco"] * 2 and remote[1].asked == [f"/{FILE}"] * 2
    assert cached() == KEPT


def test_two_at_once(publish, shelf, monkeypatch):
    """The other one has finished, and cleared its files away, before this one read."""
    publish(sha256=digest(shelf))

    def convert(path, scheme, name):
        monkeypatch.setattr(official_weights, "convert", tiny_of_the_other)
        official_weights.official_zoo(NAME)
        raise FileNotFoundError(path)

    def tiny_of_the_other(path, scheme, name):
        return tiny(name=name)

    monkeypatch.setattr(official_weights, "convert", convert)
    assert tfssl.zoo.load(NAME).output_shape == (None, 3)
    assert cached() == KEPT


@pytest.fixture
def no_conversion(monkeypatch):
    """What is after the download is not run, which takes seconds."""

    class Reached(Exception):
        pass

    def convert(*args, **kwargs):
        raise Reached

    monkeypatch.setattr(official_weights, "convert", convert)
    return Reached


@pytest.mark.parametrize("kind, length", [("sha256", 10), ("md5", 32), ("md5", 6)])
def test_what_is_not_known_is_said_and_pinned(
    publish, remote, shelf, no_conversion, kind, length
):
    publish(**{kind: digest(shelf, kind)[:length]})
    with (
        pytest.raises(no_conversion),
        pytest.warns(UserWarning, match=f"could not be verified.*{kind}.*, which fits"),
    ):
        tfssl.zoo.load(NAME)
    # The conversion failed; the file waits for another.
    assert cached() == sorted([FILE, "pins.json"])
    with warnings.catch_warnings(), pytest.raises(no_conversion):
        warnings.simplefilter("error", UserWarning)
        tfssl.zoo.load(NAME)
    assert remote[1].asked == [f"/{FILE}"]
    # Another file with the same name is refused from now on.
    (cache_folder() / "official" / NAME / "files" / FILE).unlink()
    publish()
    content = (shelf / FILE).read_bytes()
    (shelf / FILE).write_bytes(content + b"0")
    with pytest.raises(IntegrityError, match="what was downloaded first"):
        tfssl.zoo.load(NAME)
    assert cached() == ["pins.json"]
    (shelf / FILE).write_bytes(content)
    with pytest.raises(no_conversion):
        tfssl.zoo.load(NAME)


@pytest.mark.parametrize(
    "facts, message",
    [
        ({"sha256": "0" * 64}, "whole sha256"),
        ({"sha256": "0123456789"}, "sha256 begins 0123456789"),
        ({"md5": "0" * 32}, "whole md5"),
        ({"size": 10}, "10 bytes at most"),
        ({"size": 10**7}, "Expected 10000000 bytes"),
    ],
)
def test_another_file_is_refused(publish, shelf, facts, message):
    publish(**facts)
    with pytest.raises(IntegrityError, match=f"{FILE} is not the file.*{message}"):
        tfssl.zoo.load(NAME)
    assert cached() == []


def test_a_licence_that_forbids_commercial_use_is_said(publish, shelf, no_conversion):
    publish(licence="CC-BY-NC", sha256=digest(shelf))
    with (
        pytest.raises(no_conversion),
        pytest.warns(UserWarning, match="under CC-BY-NC: not for commercial use"),
    ):
        tfssl.zoo.load(NAME)
    assert "licence CC-BY-NC, non-commercial" in repr(tfssl.zoo.official())
    assert tfssl.zoo.info(NAME)["licence"] == "CC-BY-NC, non-commercial"


def test_an_address_that_does_not_answer(publish, remote, shelf):
    publish()
    remote[1].answers[FILE] = broken
    with pytest.raises(NotFoundError, match="500.*tfssl convert --from.*scheme=moco"):
        tfssl.zoo.load(NAME)
    assert cached() == []


def test_an_official_name_in_a_zoo_is_that_zoos(tmp_path):
    with pytest.raises(NotFoundError, match="no index.json"):
        tfssl.zoo.load(NAME, source=tmp_path)


def test_the_checkpoint_in_a_zip_file_of_simclr(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../x/model.ckpt-1.index", b"index")
        archive.writestr("../x/model.ckpt-1.data-00000-of-00001", b"data")
        archive.writestr("../x/model.ckpt-1.meta", b"graph")
    (tmp_path / "out").mkdir()
    path = official_weights._unpacked(tmp_path / "a.zip", tmp_path / "out")
    assert path.read_bytes() == b"index"
    names = sorted(each.name for each in tmp_path.rglob("*") if each.is_file())
    assert names == ["a.zip", "model.data-00000-of-00001", "model.index"]
    for name in ("none.txt", "a.index"):
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
            archive.writestr(name, b"")
        with pytest.raises(FormatError, match="no checkpoint of TensorFlow"):
            official_weights._unpacked(tmp_path / "b.zip", tmp_path / "out")


@pytest.mark.parametrize("name", OFFICIAL)
def test_entries(name):
    entry = OFFICIAL[name]
    assert name.startswith(entry.method) and name.endswith("_imagenet")
    assert entry.method in tfssl.methods.METHODS
    assert entry.scheme in tfssl.zoo.SCHEMES
    assert 0.6 < entry.linear < 0.85
    assert entry.verified == all(len(f.sha256 or "") == 64 for f in entry.files)
    for file in entry.files:
        assert file.address.startswith("https://") and "/" not in file.name
        for digits, length in ((file.sha256, 64), (file.md5, 32)):
            assert digits is None or (int(digits, 16), len(digits) <= length)
    assert entry.noncommercial == ("NC" in entry.licence)


PAGE = Path(__file__).parents[2] / "docs" / "official_weights.md"
HEADER = """\
| name | architecture | epochs | linear | licence | known of the checksum | from |
|---|---|---|---|---|---|---|
"""


def table():
    """A row for each entry, as the page has it."""
    rows = []
    for name, entry in OFFICIAL.items():
        facts = entry.summary()
        licence = facts["licence"].replace(", non-commercial", ", **non-commercial**")
        home = f"[authors]({entry.home})" + (f"; {entry.note}" * bool(entry.note))
        cells = (
            f"`{name}`",
            entry.architecture,
            entry.epochs or "not stated",
            f"{entry.linear:.3f}",
            licence,
            facts["known_checksum"],
            home,
        )
        rows.append(f"| {' | '.join(map(str, cells))} |\n")
    return HEADER + "".join(rows)


def test_the_page_has_every_entry():
    before, mark, rest = PAGE.read_text().partition("official.py -->\n\n")
    found, end, after = rest.partition("\n<!-- end -->")
    if os.environ.get("UPDATE"):
        PAGE.write_text(before + mark + table() + end + after)
        return
    assert found == table()

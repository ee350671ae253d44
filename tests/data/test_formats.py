import sys

import numpy as np
import pytest
from PIL import Image

from tfssl.data import formats, load, load_image


@pytest.fixture
def without_heif(monkeypatch):
    """As if pillow-heif were not installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    formats._can_decode.cache_clear()
    yield
    formats._can_decode.cache_clear()


@pytest.mark.parametrize(
    "name, kind",
    [
        ("a.jpg", None),
        ("b.TIFF", None),
        ("b.tif", None),
        ("c.webp", None),
        ("notes.TXT", ".txt"),
        ("Thumbs.db", ".db"),
        (".DS_Store", "hidden"),
        ("._a.jpg", "hidden"),
        ("README", "readme"),
        ("0123abc", "without an ending"),
        ("film.mp4", ".mp4"),
    ],
)
def test_what_a_file_is_counted_as(name, kind):
    assert formats.left_out_as(name) == kind


def test_only_what_may_be_an_image_is_worth_a_warning():
    left_out = {".txt": 1, "hidden": 9, "readme": 1, ".db": 1, ".csv": 2, ".json": 3}
    may_be = {".mp4": 1, ".heic": 3, "without an ending": 2, "not a file": 1}
    assert formats.worth_a_warning({**left_out, **may_be}) == may_be


def test_described_the_most_frequent_first():
    counts = {".b": 1, ".heic": 3, ".a": 1}
    text = "3 .heic (to read them: pip install pillow-heif), 1 .a, 1 .b"
    assert formats.described(counts) == text
    assert formats.described(counts, most=2) == text.removesuffix(", 1 .b")
    assert formats.described({}) == "nothing"


def test_other_decoders_are_not_tried(tmp_path):
    assert "EPS" not in formats.decoders("a.eps")
    assert formats.decoders("a.eps") == formats.decoders(None)
    assert formats.decoders("a.jpg")[:2] == ("JPEG", "PNG")


def test_heic_without_pillow_heif_is_counted_and_its_remedy_told(
    tmp_path, without_heif, caplog
):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.HEIC").write_bytes(b"never opened")
    (tmp_path / "c.heic").write_bytes(b"never opened")
    data = load(f"folder:{tmp_path}", image_size=4)
    assert len(data) == 1 and data.left_out == {".heic": 2}
    (record,) = caplog.records
    assert "2 .heic (to read them: pip install pillow-heif)" in record.getMessage()
    with pytest.raises(ValueError, match="b.HEIC.*pip install pillow-heif"):
        load_image(tmp_path / "b.HEIC", 4)


def test_pillow_heif_is_not_imported_without_need(tmp_path, without_heif, monkeypatch):
    monkeypatch.delitem(sys.modules, "pillow_heif")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    load(f"folder:{tmp_path}", image_size=4)
    assert "pillow_heif" not in sys.modules


def test_avif_with_a_pillow_that_cannot(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(formats.features, "check", lambda name: False)
    formats._can_decode.cache_clear()
    try:
        Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
        (tmp_path / "b.avif").write_bytes(b"never opened")
        assert load(f"folder:{tmp_path}", image_size=4).left_out == {".avif": 1}
        assert "pip install 'pillow>=11.3'" in caplog.text
    finally:
        formats._can_decode.cache_clear()


@pytest.fixture
def heif():
    module = pytest.importorskip("pillow_heif")
    formats._can_decode.cache_clear()
    return module


def test_heic_is_read_upright_and_whole(tmp_path, heif):
    corner = np.zeros((32, 48, 3), np.uint8)
    corner[:16, :24] = [255, 0, 0]
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    assert formats.can_read(".heic")
    for name in ("a.heic", "b.HEIF"):
        Image.fromarray(corner).save(
            tmp_path / name, "HEIF", quality=-1, chroma=444, exif=exif.tobytes()
        )
    data = load(f"folder:{tmp_path}", image_size=32)
    assert len(data) == 2 and data.left_out == {}
    np.testing.assert_array_equal(data.images[0], data.images[1])
    # The corner is now at the right, and its lower half within the central square.
    want = np.rot90(corner, -1)[8:40].astype(int)
    assert abs(data.images[0] - want).max() <= 3
    np.testing.assert_array_equal(load_image(tmp_path / "a.heic", 32), data.images[0])


def test_a_truncated_heic_is_corrupt(tmp_path, heif):
    assert formats.can_read(".heic")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = tmp_path / "a.heic"
    Image.fromarray(noise).save(path, "HEIF")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="a.heic cannot be decoded"):
        load_image(path, 8)

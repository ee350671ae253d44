import io
import struct

import numpy as np
import pytest
from PIL import Image

from tfssl.data import pixels


def encode(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    file.seek(0)
    return file


def test_16_bit_grey_is_scaled():
    grey = np.array([[0, 257 * 10], [257 * 200, 65535]], np.uint16)
    decoded = pixels.decode(encode(Image.fromarray(grey), format="PNG"))
    np.testing.assert_array_equal(decoded[..., 0], [[0, 10], [200, 255]])
    assert decoded.shape == (2, 2, 3)


def test_transparency_is_composited_on_white():
    rgba = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [0, 0, 0, 128]]], np.uint8)
    decoded = pixels.decode(encode(Image.fromarray(rgba), format="PNG"))
    np.testing.assert_array_equal(decoded[0, :2], [[200, 0, 0], [255, 255, 255]])
    np.testing.assert_allclose(decoded[0, 2], 127, atol=1)


def test_transparent_palette_colour_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    decoded = pixels.decode(encode(image, format="PNG", transparency=1))
    np.testing.assert_array_equal(decoded, [[[10, 20, 30], [255, 255, 255]]])


def tiff(samples, bits, photometric, data):
    """An uncompressed TIFF of 2x2 pixels, of kinds that Pillow does not write."""
    count = len(bits)
    extra = struct.pack(f"<{count}H", *bits) if count > 2 else b""
    end = 8 + 2 + 12 * 8 + 4
    tags = [  # tag, type (3: 16 bits, 4: 32 bits), count, value
        (256, 3, 1, 2),
        (257, 3, 1, 2),
        (258, 3, count, end if extra else bits[0]),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, end + len(extra)),
        (277, 3, 1, samples),
        (279, 4, 1, len(data)),
    ]
    fields = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    return io.BytesIO(head + fields + bytes(4) + extra + data)


BLACK_IS_0, WHITE_IS_0, RGB = 1, 0, 2


def test_grey_tiff_of_16_bits_whichever_end_is_white():
    data = struct.pack("<4H", 0, 257 * 10, 257 * 200, 65535)
    decoded = pixels.decode(tiff(1, [16], BLACK_IS_0, data))
    np.testing.assert_array_equal(decoded[..., 0], [[0, 10], [200, 255]])
    decoded = pixels.decode(tiff(1, [16], WHITE_IS_0, data))
    np.testing.assert_array_equal(decoded[..., 0], [[255, 245], [55, 0]])


def test_grey_tiff_of_12_bits():
    # Rows of two numbers, most significant bits first: 0, 4095 and 2048, 1024.
    data = bytes([0x00, 0x0F, 0xFF, 0x80, 0x04, 0x00])
    decoded = pixels.decode(tiff(1, [12], BLACK_IS_0, data))
    np.testing.assert_array_equal(decoded[..., 0], [[0, 255], [128, 64]])


def test_colour_tiff_of_16_bits():
    data = struct.pack("<12H", *(256 * level for level in range(0, 240, 20)))
    decoded = pixels.decode(tiff(3, [16] * 3, RGB, data))
    np.testing.assert_array_equal(decoded.ravel(), range(0, 240, 20))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_compressed_tiff_of_16_bits(compression):
    grey = Image.fromarray(np.array([[0, 257 * 10], [257 * 200, 65535]], np.uint16))
    decoded = pixels.decode(encode(grey, format="TIFF", compression=compression))
    np.testing.assert_array_equal(decoded[..., 0], [[0, 10], [200, 255]])


@pytest.mark.parametrize("kind, top", [("float32", 1), ("int32", 70000), ("int32", -1)])
def test_numbers_without_a_known_white_are_refused(kind, top):
    image = Image.fromarray(np.array([[0, top]], kind))
    with pytest.raises(ValueError, match=f"{kind}, from .* 8 or 16 bits"):
        pixels.decode(encode(image, format="TIFF"), 4)


def test_integers_of_16_bits_in_32():
    image = Image.fromarray(np.array([[0, 257 * 10, 65535]], "int32"))
    decoded = pixels.decode(encode(image, format="TIFF"))
    np.testing.assert_array_equal(decoded[0, :, 0], [0, 10, 255])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGB"])
def test_every_mode_becomes_rgb(mode, kind):
    image = Image.new("RGB", (4, 3), "white").convert(mode)
    if (mode, kind) == ("CMYK", "PNG"):
        kind = "JPEG"
    decoded = pixels.decode(encode(image, format=kind))
    np.testing.assert_array_equal(decoded, np.full((3, 4, 3), 255, np.uint8))


def test_ink_becomes_light():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [20, 40, 60]]], np.uint8)
    ink = Image.fromarray(colours).convert("CMYK")
    for compression in (None, "tiff_lzw"):
        decoded = pixels.decode(encode(ink, format="TIFF", compression=compression))
        np.testing.assert_allclose(decoded, colours, atol=1)


# MPO: the JPEG of some cameras
@pytest.mark.parametrize("kind", ["GIF", "MPO", "TIFF", "WEBP", "AVIF"])
def test_first_frame_of_several(kind):
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    file = encode(frames[0], format=kind, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(pixels.decode(file)[0, 0], [255, 0, 0], atol=2)


@pytest.mark.parametrize(
    "options",
    [
        {"format": "PNG"},
        {"format": "WEBP", "lossless": True},
        {"format": "TIFF"},
        {"format": "TIFF", "compression": "tiff_lzw"},
        {"format": "AVIF", "quality": 100, "subsampling": "4:4:4"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
@pytest.mark.parametrize("orientation, turns", [(1, 0), (6, -1), (3, 2)])
def test_exif_orientation_is_applied(options, orientation, turns):
    image = np.zeros((16, 24, 3), np.uint8)
    image[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation  # the camera was turned
    decoded = pixels.decode(encode(Image.fromarray(image), exif=exif, **options))
    np.testing.assert_allclose(decoded, np.rot90(image, turns), atol=4)


def test_square_keeps_the_centre_and_the_aspect():
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = np.arange(40)[None, :, None] * 6
    result = np.asarray(pixels.square(Image.fromarray(image), 20))
    # Pairs of columns averaged, nothing of the sides.
    want = np.arange(40).reshape(20, 2).mean(1) * 6
    np.testing.assert_allclose(result[10, 2:-2, 0], want[2:-2], atol=2)
    upright = np.asarray(pixels.square(Image.fromarray(image.swapaxes(0, 1)), 20))
    np.testing.assert_array_equal(upright, result.swapaxes(0, 1))


def test_shrinking_is_antialiased():
    fine = np.zeros((64, 64, 3), np.uint8)
    fine[:, ::2] = 255
    small = np.asarray(pixels.square(Image.fromarray(fine), 8)).astype(int)
    assert abs(small - 127).max() < 20


def test_a_jpeg_drafted_at_low_resolution_is_the_same_picture():
    ramp = np.linspace(0, 255, 800).astype(np.uint8)
    image = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :600], ramp[:1]), -1)
    image = Image.fromarray(image)
    drafted = pixels.decode(encode(image, format="JPEG", quality=95), 32)
    whole = np.asarray(pixels.square(image, 32)).astype(int)
    assert abs(drafted - whole).max() <= 4


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0"])
def test_says_what_is_not_an_image(content):
    with pytest.raises(ValueError, match="not a JPEG, PNG, .*TIFF.* image"):
        pixels.decode(io.BytesIO(content), 8)


def test_truncated_jpeg_is_an_error():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = encode(Image.fromarray(noise), format="JPEG").getvalue()
    with pytest.raises(ValueError, match="truncated"):
        pixels.decode(io.BytesIO(content[: len(content) // 2]), 8)


def test_decompression_bomb_is_an_error(monkeypatch):
    file = encode(Image.new("L", (100, 100)), format="PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match="DecompressionBomb"):
        pixels.decode(file, 8)


@pytest.mark.parametrize("mode, most", [("RGB", 18), ("L", 6), ("RGBA", 18)])
def test_more_pixels_than_a_file_is_trusted_with_are_not_decoded(
    monkeypatch, mode, most
):
    file = encode(Image.new(mode, (100, 100)), format="PNG")
    size = len(file.getvalue())
    loaded = []
    monkeypatch.setattr(Image.Image, "load", lambda self: loaded.append(self))
    monkeypatch.setattr(pixels, "_FLOOR", most * 10_000 - 4 * size - 1)
    with pytest.raises(ValueError, match="100 x 100 pixels .* too much for a file of"):
        pixels.decode(file, 8)
    assert loaded == []
    monkeypatch.undo()
    monkeypatch.setattr(pixels, "_FLOOR", most * 10_000 - 4 * size)
    assert pixels.decode(file, 8).shape == (8, 8, 3)


def test_rgb_batch_of_every_channel_count():
    grey = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4)
    rgb = np.stack([grey] * 3, -1)
    np.testing.assert_array_equal(pixels.rgb_batch(grey), rgb)
    np.testing.assert_array_equal(pixels.rgb_batch(grey[..., None]), rgb)
    assert pixels.rgb_batch(rgb) is rgb
    clear = np.concatenate([rgb, np.zeros_like(rgb[..., :1])], -1)
    np.testing.assert_array_equal(pixels.rgb_batch(clear), np.full_like(rgb, 255))
    assert pixels.rgb_batch(rgb, 3).shape == (2, 3, 3, 3)

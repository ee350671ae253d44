"""From whatever a file holds to uint8 RGB of one size."""

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tfssl.data import formats

# Tags of a TIFF.
_BITS, _PHOTOMETRIC = 258, 262

# Bytes that a pixel takes at most on its way to RGB, in all copies: measured. The
# decoders of some formats keep copies of their own.
_BYTES = {"WEBP": 24, "AVIF": 21, "HEIF": 21}
_BYTES_OF_ONE_CHANNEL, _BYTES_OF_OTHERS = 6, 18
# What a file of any size may take; four times its size comes on top.
_FLOOR = 2**30


def decode(source, size=None):
    """One encoded image as uint8 RGB.

    The EXIF orientation is applied, the first frame of several is taken, transparency
    is composited on white and 16-bit grey is scaled to 8 bits. An image that would take
    more than 1 GiB and four times its file to decode is refused: a file of a few bytes
    can say that it has any number of pixels.

    Args:
        source: a path, or a binary file object with an image of a format that can be
            read (see `tfssl.data.formats`), HEIC excepted.
        size: side in pixels of the square to make (see `square`). None keeps the
            image's own size.

    Returns:
        uint8 array `[height, width, 3]`.

    Raises:
        ValueError: when the image cannot be decoded; the message is the reason.
    """
    decoders = formats.decoders(source)
    try:
        with Image.open(source, formats=decoders) as image:
            if size is not None:
                # A large JPEG is decoded at 1/2, 1/4 or 1/8, never below twice the
                # size it is then resized to.
                image.draft(None, (2 * size, 2 * size))
            _check_memory(image, _length(source))
            image.load()
            if image.format == "TIFF" and image.mode.startswith("I;16"):
                image = _full_range(image)
            image = to_rgb(ImageOps.exif_transpose(image))
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        known = f"{', '.join(decoders[:-1])} or {decoders[-1]}"
        raise ValueError(f"not a {known} image") from error
    except Exception as error:  # Pillow's decoders raise many types
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if size is not None:
        image = square(image, size)
    return np.asarray(image)


def _check_memory(image, length):
    """Refuses an image, not yet decoded, that is too large for its file."""
    one_channel = image.mode in ("1", "L", "P") and not image.has_transparency_data
    others = _BYTES.get(image.format, _BYTES_OF_OTHERS)
    needed = (
        image.width * image.height * (_BYTES_OF_ONE_CHANNEL if one_channel else others)
    )
    if needed > _FLOOR + 4 * length:
        raise ValueError(
            f"{image.width} x {image.height} pixels would take {needed / 2**30:.1f} "
            f"GiB to decode, too much for a file of {length:,} bytes; make it smaller"
        )


def _length(source):
    """Bytes of a path or a file object, which stays where it is."""
    if isinstance(source, str | os.PathLike):
        return os.path.getsize(source)
    place = source.tell()
    length = source.seek(0, os.SEEK_END)
    source.seek(place)
    return length


def to_rgb(image):
    """A Pillow image as RGB; transparency is composited on white.

    Args:
        image: a Pillow image of any mode, but for numbers of 32 bits.

    Raises:
        ValueError: for those, as nobody knows which number is white; integers within
            [0, 65535] are taken for 16-bit grey.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        grey = np.asarray(image)
        low, high = grey.min(), grey.max()
        if image.mode == "F" or low < 0 or high > 65535:
            raise ValueError(
                f"pixels of 32 bits ({grey.dtype}, from {low} to {high}) have no known "
                "black and white; save the image with 8 or 16 bits"
            )
        # 16-bit grey; Pillow's own conversion clips it at 255.
        image = Image.fromarray(np.rint(grey.astype(np.float32) / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _full_range(image):
    """A grey TIFF of 12 or 16 bits with 0 for black and 65535 for white.

    Pillow gives its numbers as they are in the file, where 0 may be white.
    """
    grey = np.asarray(image).astype(np.uint32)
    grey = grey * 65535 // (2 ** image.tag_v2[_BITS][0] - 1)
    if image.tag_v2[_PHOTOMETRIC] == 0:
        grey = 65535 - grey
    return Image.fromarray(grey.astype(np.uint16))


def square(image, size):
    """Resize so that the short side is `size`, keep the central square.

    The central square is cut first and resized once (bilinear, antialiased), which is
    the same picture for less work.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BILINEAR, box=box)


def rgb_batch(images, size=None):
    """uint8 `[N, H, W]` or `[N, H, W, 1 | 3 | 4]` as uint8 `[N, h, w, 3]`.

    Args:
        images: the array, grey, RGB or RGB with alpha.
        size: side in pixels of the squares to make. None keeps `H` and `W`.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[-1] == 1:
        images = np.repeat(images, 3, axis=-1)
    fits = size is None or images.shape[1:3] == (size, size)
    if fits and images.shape[-1] == 3:
        return images

    def convert(image):
        image = to_rgb(Image.fromarray(image))
        return np.asarray(image if fits else square(image, size))

    return np.stack([convert(image) for image in images])

"""From whatever a file holds to uint8 RGB of one size."""

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "BMP", "GIF")


def decode(source, size=None):
    """One encoded image as uint8 RGB.

    The EXIF orientation is applied, the first frame of a GIF is taken, transparency is
    composited on white and 16-bit grey is scaled to 8 bits.

    Args:
        source: a path or a binary file object with a JPEG, PNG, BMP or GIF image.
        size: side in pixels of the square to make (see `square`). None keeps the
            image's own size.

    Returns:
        uint8 array `[height, width, 3]`.

    Raises:
        ValueError: when the image cannot be decoded; the message is the reason.
    """
    try:
        # Only these decoders: others (EPS) start programs.
        with Image.open(source, formats=FORMATS) as image:
            if size is not None:
                # A large JPEG is decoded at 1/2, 1/4 or 1/8, never below twice the
                # size it is then resized to.
                image.draft(None, (2 * size, 2 * size))
            image.load()
            image = to_rgb(ImageOps.exif_transpose(image))
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise ValueError("not a JPEG, PNG, BMP or GIF image") from error
    except Exception as error:  # Pillow's decoders raise many types
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if size is not None:
        image = square(image, size)
    return np.asarray(image)


def to_rgb(image):
    """A Pillow image of any mode as RGB; transparency is composited on white."""
    if image.mode.startswith("I"):
        # 16-bit grey; Pillow's own conversion clips it at 255.
        grey = np.asarray(image).clip(0, 65535).astype(np.float32)
        image = Image.fromarray(np.rint(grey / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


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

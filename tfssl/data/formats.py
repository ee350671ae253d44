"""Which files are images that can be read, by the endings of their names."""

import functools
import os

from PIL import features

# Pillow's name of the format of each ending.
_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
}
ENDINGS = tuple(_FORMATS)
# What makes an ending readable that is not.
_REMEDIES = {
    ".webp": "install a Pillow that was built with WebP",
    ".avif": "pip install 'pillow>=11.3'",
    ".heic": "pip install pillow-heif",
    ".heif": "pip install pillow-heif",
}

# What is left out without an ending to name it by.
HIDDEN = "hidden"
NO_ENDING = "without an ending"
NOT_A_FILE = "not a file"

# What stands beside images and is none: left out without a word.
_COMPANIONS = frozenset(
    ".txt .md .rst .html .pdf .csv .tsv .json .jsonl .xml .xmp .yaml .yml .toml .ini "
    ".cfg .log .db .sqlite .lnk .url .py .ipynb .sh .aae .md5 .sha256 "
    "readme license licence copying".split()
) | {HIDDEN}


def can_read(ending):
    """Whether files of an ending, in lower case, can be decoded.

    The first question about HEIC imports pillow-heif, if it is installed.
    """
    return ending in _FORMATS and _can_decode(_FORMATS[ending])


@functools.cache
def _can_decode(kind):
    if kind == "HEIF":
        try:
            import pillow_heif
        except ImportError:
            return False
        pillow_heif.register_heif_opener()
    elif kind in ("WEBP", "AVIF"):
        return features.check(kind.lower())
    return True


def remedy(path):
    """What makes a file readable that is not, by its ending; None if nothing does."""
    ending = ending_of(path)
    return None if can_read(ending) else _REMEDIES.get(ending)


def decoders(source):
    """Pillow's names of the formats that a file may have, whatever it is called.

    Only these are tried: other decoders of Pillow (EPS) start programs. HEIC is tried
    for files with its ending, so that a file is read alike whether or not another has
    made its decoder known.
    """
    endings = [ending for ending, kind in _FORMATS.items() if kind != "HEIF"]
    if isinstance(source, str | os.PathLike):
        endings.append(ending_of(os.fspath(source)))
    return tuple(dict.fromkeys(_FORMATS[e] for e in endings if can_read(e)))


def ending_of(path):
    """The ending of a path in lower case, with its dot; empty if it has none."""
    return os.path.splitext(path)[1].lower()


def left_out_as(name):
    """What a file of this name is counted as; None for an image that can be read."""
    if name.startswith("."):
        return HIDDEN
    ending = ending_of(name)
    if can_read(ending):
        return None
    if name.lower() in _COMPANIONS:  # README
        return name.lower()
    return ending or NO_ENDING


def worth_a_warning(left_out):
    """The part of `{ending: count}` that may be images."""
    return {kind: n for kind, n in left_out.items() if kind not in _COMPANIONS}


def described(left_out, most=None):
    """`{ending: count}` in words, the most frequent first, with what helps."""
    ordered = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    parts = [
        f"{count} {kind}"
        + (f" (to read them: {_REMEDIES[kind]})" if kind in _REMEDIES else "")
        for kind, count in ordered[:most]
    ]
    return ", ".join(parts) or "nothing"

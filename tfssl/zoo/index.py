"""The index of a zoo, `index.json`, and where zoos are found."""

import json
import os
import re
import urllib.parse
import urllib.request
from pathlib import Path

from tfssl.zoo import hub
from tfssl.zoo.errors import FormatError, NotFoundError, ZooError

FORMAT = 1
INDEX = "index.json"
PAGE = "index.html"
# Where the zoo lies beside the package: in a checkout, and as the wheel installs it.
_BESIDE = ("zoo", "tfssl_zoo")

# Lower case: names are folders, and some file systems take a and A for the same. They
# also take no more than 255 letters, of which a partial file's name needs some.
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,199}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def own_places():
    """Where the zoo of the package may be: list of `pathlib.Path`."""
    return [Path(__file__).parents[2] / name for name in _BESIDE]


def resolve_source(source=None):
    """The zoo to use: the argument, `TFSSL_ZOO`, or the one beside the package.

    Args:
        source: folder, `file://`, `http://` or `https://` address, `hf://owner/repo` or
            `hf://owner/repo@revision` for a repository of a model hub, or None.

    Returns:
        A `pathlib.Path` for folders, else the address as a string. That of a repository
        has the commit that it is at now, `hf://owner/repo@COMMIT`, so that all that is
        read belongs together.

    Raises:
        NotFoundError: for an address of another kind, or one that is malformed, or if
            there is no zoo beside the package; and if there is no such repository, or
            it cannot be reached.
    """
    source = source or os.environ.get("TFSSL_ZOO")
    if not source:
        places = own_places()
        for place in places:
            if (place / INDEX).exists():
                return place
        raise NotFoundError(
            "There is no zoo beside the package. Install tfssl anew, or set TFSSL_ZOO "
            "or source= to a folder or address that holds one. Received: "
            f"source=None, and looked in {' and '.join(map(str, places))}"
        )
    source = os.fspath(source)
    if hub.is_address(source):
        return hub.at_commit(source)
    scheme, mark, _ = source.partition("://")
    if not mark:
        try:
            return Path(source).expanduser()
        except RuntimeError as error:
            raise NotFoundError(f"{source!r} is no folder: {error}") from error
    if scheme in ("http", "https"):
        return source.rstrip("/")
    if scheme == "file":
        try:
            path = urllib.parse.urlsplit(source).path
        except ValueError as error:
            raise NotFoundError(f"{source!r} is no address: {error}.") from error
        return Path(urllib.request.url2pathname(path))
    raise NotFoundError(
        "A zoo is a folder, or a file://, http://, https:// or hf:// address. "
        f"Received: {source!r}"
    )


def folder_to_write(zoo):
    """The folder of a zoo that is written to.

    Args:
        zoo: folder, or `file://` address.

    Returns:
        `pathlib.Path`, which need not exist.

    Raises:
        ZooError: for any other address.
    """
    zoo = os.fspath(zoo)
    folder = None if not zoo or hub.is_address(zoo) else resolve_source(zoo)
    if not isinstance(folder, Path):
        raise ZooError(f"A zoo is written to in a folder. Received: {zoo!r}")
    return folder


def resolve_pin(source=None, pin=None):
    """The checksum that the index must have: the argument, or `TFSSL_ZOO_PIN`.

    The environment speaks of the zoo that is read without a `source`, and of no other.

    Args:
        source: as in `resolve_source`.
        pin: string, or None.

    Returns:
        String of 64 hexadecimal digits, or None.

    Raises:
        ValueError: if it is no sha256.
    """
    if pin is None and not source:
        pin = os.environ.get("TFSSL_ZOO_PIN") or None
    if pin is None:
        return None
    if not isinstance(pin, str) or not _SHA256.fullmatch(pin.lower()):
        raise ValueError(
            "pin must be the sha256 of an index.json, 64 hexadecimal digits, as "
            f"sha256sum prints it. Received: pin={pin!r}"
        )
    return pin.lower()


def check_name(name):
    """Returns the name of an encoder if it is allowed, which no path is.

    Raises:
        NotFoundError: otherwise.
    """
    allowed = isinstance(name, str) and _NAME.fullmatch(name)
    if not allowed or name in (INDEX, PAGE):
        raise NotFoundError(
            "The name of an encoder has lower-case letters, digits, '_', '-' and '.', "
            f"200 at most, and no path. Received: {name!r}"
        )
    return name


def parse_index(text, source):
    """The encoders of an index: a dict from names to entries.

    Every name and checksum is checked here, because paths are made of them.

    Args:
        text: string or bytes, the content of `index.json`.
        source: where it came from, for the messages.

    Raises:
        FormatError: if it is not an index, or one of a newer version.
    """
    try:
        content = json.loads(text)
        version = content["format"]
        # Before anything else: a newer format may differ in all the rest.
        if isinstance(version, int) and version > FORMAT:
            raise FormatError(
                f"The index of {source} has format {version}; this version of tfssl "
                f"reads format {FORMAT}. Upgrade tfssl."
            )
        if version != FORMAT:
            raise ValueError(f"its format is {version!r}, not {FORMAT}")
        encoders = content["encoders"]
        for name, entry in encoders.items():
            check_name(name)
            summary = entry.get("summary", {})
            if not isinstance(summary, dict):
                kind = type(summary).__name__
                raise ValueError(f"the summary of {name} is no dict, but of {kind}")
            for file, facts in entry["files"].items():
                _check_file(file, facts)
    except KeyError as error:
        raise FormatError(
            f"The index of {source} cannot be read: {error} is missing."
        ) from error
    # RecursionError: a thousand brackets, one in the other.
    except (
        *(ValueError, TypeError, AttributeError),
        *(NotFoundError, RecursionError),
    ) as error:
        raise FormatError(f"The index of {source} cannot be read: {error}") from error
    return encoders


def _check_file(file, facts):
    if not _FILE.fullmatch(file):
        raise ValueError(f"{file!r} should be the name of a file, with no path")
    size, sha256 = facts["size"], facts["sha256"]
    if type(size) is not int or size < 0:
        raise ValueError(f"{size!r} is not the size of {file}")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not the sha256 of {file}")


def entry_of(encoders, name, source):
    """The entry of an encoder.

    Raises:
        NotFoundError: if there is none; the message lists the names.
    """
    check_name(name)
    if name not in encoders:
        raise NotFoundError(
            f"There is no encoder {name!r} in {source}. There are: "
            f"{', '.join(sorted(encoders)) or 'none'}. Official weights, which load "
            "without a source: tfssl.zoo.official()."
        )
    return encoders[name]

"""The index of a zoo: `index.json`, and where zoos are."""

import hashlib
import json
import os
import re
from pathlib import Path

from tfssl.zoo.errors import FormatError, NotFoundError

FORMAT = 1
INDEX = "index.json"
# Where encoders come from without a checkout. Set when the project has an address.
DEFAULT_SOURCE = "https://tfssl.invalid/zoo"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def resolve_source(source=None):
    """The zoo to use: the argument, else `TFSSL_ZOO`, else the checkout's, else ours.

    Args:
        source: folder, `file://`, `http://` or `https://` address, or None.

    Returns:
        A `pathlib.Path` for folders, else the address as a string.
    """
    source = source or os.environ.get("TFSSL_ZOO")
    if not source:
        checkout = Path(__file__).parents[2] / "zoo"
        return checkout if (checkout / INDEX).exists() else DEFAULT_SOURCE
    source = os.fspath(source)
    if source.startswith(("http://", "https://")):
        return source.rstrip("/")
    return Path(source.removeprefix("file://"))


def check_name(name):
    """The name of an encoder or file, if it is one and no path.

    Raises:
        NotFoundError: otherwise.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NotFoundError(
            "A name has letters, digits, '_', '-' and '.', and no path. Received: "
            f"{name!r}"
        )
    return name


def parse_index(text, source):
    """The encoders of an index: a dict from names to entries.

    Args:
        text: string or bytes, the content of `index.json`.
        source: where it came from, for the messages.

    Raises:
        FormatError: if it is not an index, or one of a newer version.
    """
    try:
        content = json.loads(text)
        version, encoders = content["format"], content["encoders"]
        for name, entry in encoders.items():
            check_name(name)
            for file, facts in entry["files"].items():
                check_name(file)
                int(facts["size"]), str(facts["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError, NotFoundError) as error:
        raise FormatError(f"The index of {source} cannot be read: {error}") from error
    if version != FORMAT:
        raise FormatError(
            f"The index of {source} has format {version}; this version of tfssl reads "
            f"format {FORMAT}. Upgrade tfssl."
        )
    return encoders


def entry_of(encoders, name, source):
    """The entry of a name.

    Raises:
        NotFoundError: if there is none; it lists what there is.
    """
    check_name(name)
    if name not in encoders:
        raise NotFoundError(
            f"There is no encoder {name!r} in {source}. There are: "
            f"{', '.join(sorted(encoders)) or 'none'}."
        )
    return encoders[name]


def file_facts(path):
    """Size and sha256 of a file."""
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as data:
        while block := data.read(1 << 20):
            digest.update(block)
            size += len(block)
    return {"sha256": digest.hexdigest(), "size": size}

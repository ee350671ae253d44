"""Files of a zoo, checked before anyone uses them."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from tfssl import files
from tfssl.zoo import hub
from tfssl.zoo.errors import IntegrityError, NotFoundError
from tfssl.zoo.index import INDEX, parse_index
from tfssl.zoo.regular import check_length, content, exists, regular_size

_TIMEOUT = 30  # seconds without a byte
_BLOCK = 1 << 16
# The largest that a file of unknown size may be.
MAX_SIZE = 4 * 2**30


def read_index(source, pin=None):
    """The encoders of a zoo: a dict from names to entries.

    Args:
        source: `pathlib.Path`, or an address, as `resolve_source` gives it.
        pin: string, the sha256 that the index must have, or None.

    Raises:
        NotFoundError: if there is no zoo.
        IntegrityError: if the index is not the one that is pinned.
        FormatError: if it cannot be read.
    """
    if isinstance(source, Path):
        if not exists(source / INDEX):
            raise NotFoundError(f"There is no zoo in {source}: it has no {INDEX}.")
        text = content(source / INDEX)
    else:

        def check_size(size):
            check_length(size, f"The index of {source}")

        text = bytearray()
        for block in _blocks(f"{source}/{INDEX}", check_size):
            text += block
            check_size(len(text))
    sha256 = hashlib.sha256(text).hexdigest()
    if pin is not None and sha256 != pin:
        raise IntegrityError(
            f"The index of {source} is not the one that is pinned; nothing of it was "
            "used. If this zoo was published to since, look at what is new and pin "
            f"that. Expected sha256 {pin}. Received: {sha256}"
        )
    return parse_index(bytes(text), source)


def fetch(source, name, file, facts):
    """Path of a whole, unaltered file of a zoo.

    A remote file is downloaded into the cache under `KERAS_HOME`. It gets its name
    there once its size and checksum are right, and is checked again at each use.

    Args:
        source: `pathlib.Path`, or an address, as `resolve_source` gives it.
        name: of the encoder.
        file: name of the file.
        facts: dict with its `size` and `sha256`, from `parse_index`.

    Returns:
        `pathlib.Path`.

    Raises:
        NotFoundError: if the file is missing, or no regular file.
        IntegrityError: if its size or checksum is not the index's; no download is left
            behind.
    """
    if isinstance(source, Path):
        path = source / name / file
        if not exists(path):
            raise NotFoundError(f"{path} is missing, though the index has it.")
        _check(path, _found(path, facts), facts)
        return path
    # The checksum in the path tells a file from one of the same name that was
    # published later, or in another zoo.
    path = cache_folder() / name / facts["sha256"][:16] / file
    if exists(path):
        if _same(_found(path, facts), facts):
            return path
        path.unlink(missing_ok=True)
    address = f"{source}/{name}/{file}"

    def check(received):
        _check(address, files.facts(received), facts)

    download(address, path, check, facts["size"])
    return path


def _found(path, facts):
    """Size and checksum of a file; of one of another size, the size is enough."""
    size = regular_size(path)
    return files.facts(path) if size == facts["size"] else {"size": size}


def cache_folder():
    """Folder of downloaded files: `tfssl/zoo` in `KERAS_HOME`."""
    return files.home() / "zoo"


def download(address, path, check, size=None):
    """Writes what an address sends to a file, once it is whole and checked.

    Args:
        address: string, of http(s) or of a file in a repository.
        path: `pathlib.Path`; folders are made.
        check: function of the path of what was received, that raises if it is not what
            was expected.
        size: int, bytes; no more are written. Defaults to None, not known: no more than
            `MAX_SIZE`.

    Raises:
        NotFoundError: if the address does not answer.
        IntegrityError: for more bytes than that.
        Exception: what `check` raises. Nothing is left behind.
    """
    from tqdm import tqdm

    limit = MAX_SIZE if size is None else size

    def check_size(found):
        if found > limit:
            # An endless file shall not fill the disk.
            raise IntegrityError(
                f"{address} is not the file that was published. Expected {limit} "
                "bytes at most. It was not used. Received: more bytes than that"
            )

    path.parent.mkdir(parents=True, exist_ok=True)
    bar = tqdm(
        total=size,
        desc=path.name,
        unit="B",
        unit_scale=True,
        delay=1,
        disable=None,  # unless the output is a terminal
    )
    with files.whole_file(path, "wb") as out, bar:
        for block in _blocks(address, check_size):
            check_size(out.tell() + len(block))
            out.write(block)
            bar.update(len(block))
        out.flush()
        check(out.name)


def _blocks(address, check_size):
    """Yields the content of an address, block by block.

    Before the first one, the size that a hub states is given to `check_size`.
    """
    request = address
    if hub.is_address(address):
        request, size = hub.locate(address)
        if size is not None:
            check_size(size)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            while block := answer.read(_BLOCK):
                yield block
    except urllib.error.HTTPError as error:
        raise NotFoundError(
            f"{address} answers {error.code} {error.reason}."
        ) from error
    # ValueError: what is no address, such as http://[::1
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFoundError(
            f"{address} cannot be reached ({error}). Set TFSSL_ZOO or source= to a "
            "folder or address that holds a zoo."
        ) from error


def _check(address, found, facts):
    if not _same(found, facts):
        received = f"{found['size']} bytes"
        if "sha256" in found:
            received += f" with sha256 {found['sha256']}"
        raise IntegrityError(
            f"{address} is not the file that was published. Expected {facts['size']} "
            f"bytes with sha256 {facts['sha256']}. It was not used. Try again, or tell "
            f"whoever keeps this zoo. Received: {received}"
        )


def _same(found, facts):
    # An index of a later version may know more of a file.
    return all(found.get(key) == facts[key] for key in ("sha256", "size"))

"""Files of a zoo, checked before anyone uses them."""

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tfssl.zoo.errors import IntegrityError, NotFoundError
from tfssl.zoo.index import INDEX, check_name, file_facts, parse_index

_TIMEOUT = 30
_MAX_INDEX = 16 * 2**20


def read_index(source):
    """The encoders of a zoo: a dict from names to entries.

    Args:
        source: `pathlib.Path`, or an http(s) address.

    Raises:
        NotFoundError: if there is no zoo.
        FormatError: if its index cannot be read.
    """
    if isinstance(source, Path):
        if not (source / INDEX).exists():
            raise NotFoundError(f"There is no zoo in {source}: it has no {INDEX}.")
        return parse_index((source / INDEX).read_bytes(), source)
    with _open(f"{source}/{INDEX}") as answer:
        return parse_index(answer.read(_MAX_INDEX), source)


def fetch(source, name, file, facts):
    """Path of a whole, unaltered file of a zoo.

    A remote file is downloaded into the cache under `KERAS_HOME`. It gets its name
    there when its size and checksum are right, and is checked again at each use.

    Args:
        source: `pathlib.Path`, or an http(s) address.
        name: of the encoder.
        file: name of the file.
        facts: dict with its `size` and `sha256`, from the index.

    Returns:
        `pathlib.Path`.

    Raises:
        NotFoundError: if the file is missing.
        IntegrityError: if it is not what the index says; no file is left behind.
    """
    check_name(name), check_name(file)
    if isinstance(source, Path):
        path = source / name / file
        if not path.exists():
            raise NotFoundError(f"{path} is missing, though the index has it.")
        _check(path, file_facts(path), facts)
        return path
    # The checksum in the path: a file published anew is another file.
    path = cache_folder() / name / facts["sha256"][:16] / file
    if path.exists():
        if file_facts(path) == _wanted(facts):
            return path
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _download(f"{source}/{name}/{file}", path, facts)
    finally:
        _remove_if_empty(path.parent)
    return path


def cache_folder():
    """Folder of downloaded files: `zoo` in the `tfssl` folder of `KERAS_HOME`."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "tfssl" / "zoo"


def _download(address, path, facts):
    from tqdm import tqdm

    digest, size = hashlib.sha256(), 0
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
    try:
        with (
            os.fdopen(descriptor, "wb") as out,
            _open(address) as answer,
            tqdm(
                total=facts["size"], desc=path.name, unit="B", unit_scale=True, delay=1
            ) as bar,
        ):
            # Reading stops one block after the stated size: no endless file.
            while size <= facts["size"] and (block := answer.read(1 << 16)):
                out.write(block)
                digest.update(block)
                size += len(block)
                bar.update(len(block))
        _check(address, {"sha256": digest.hexdigest(), "size": size}, facts)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def _open(address):
    try:
        return urllib.request.urlopen(address, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        raise NotFoundError(
            f"{address} answers {error.code} {error.reason}."
        ) from error
    except (urllib.error.URLError, OSError) as error:
        raise NotFoundError(
            f"{address} cannot be reached ({error}). Set TFSSL_ZOO or source= to a "
            "folder or address that holds a zoo."
        ) from error


def _check(place, found, facts):
    wanted = _wanted(facts)
    if found != wanted:
        raise IntegrityError(
            f"{place} is not the file that was published. Expected {wanted['size']} "
            f"bytes with sha256 {wanted['sha256']}; received {found['size']} bytes "
            f"with sha256 {found['sha256']}. It was not used. Try again, or tell who "
            "keeps this zoo."
        )


def _wanted(facts):
    return {"sha256": facts["sha256"], "size": facts["size"]}


def _remove_if_empty(folder):
    for place in (folder, folder.parent):
        try:
            place.rmdir()
        except OSError:
            return

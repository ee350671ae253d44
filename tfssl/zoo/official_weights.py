"""Official weights: fetched, checked, converted, and kept as plain Keras models."""

import json
import shutil
import tempfile
import warnings
import zipfile
from pathlib import Path

from tfssl import files
from tfssl.zoo.conversion import convert
from tfssl.zoo.errors import FormatError, IntegrityError, NotFoundError, ZooError
from tfssl.zoo.fetch import MAX_SIZE, cache_folder, download, fetch, read_index
from tfssl.zoo.index import entry_of
from tfssl.zoo.listing import Listing
from tfssl.zoo.official_entries import OFFICIAL
from tfssl.zoo.publish import publish

_PINS = "pins.json"
_DATA_LICENCE = "ImageNet: for research that is not commercial"


def official() -> dict:
    """Names and summaries of the encoders that the authors of methods published.

    `tfssl.zoo.load` fetches and converts them. Accuracies are what their authors
    report; they were not measured here.

    Returns:
        Dict from names to dicts: method, architecture, epochs, accuracy of a linear
        classifier on ImageNet, licence, and what is known of the file's checksum. It
        prints as a line for each encoder.

    Example:
        >>> import tfssl
        >>> tfssl.zoo.official()["vicreg_resnet50_imagenet"]["licence"]
        'MIT'
    """
    return Listing((name, entry.summary()) for name, entry in OFFICIAL.items())


def official_info(name):
    """What is known of official weights, and of their file once they were loaded.

    Args:
        name: string, one of `official()`.

    Returns:
        Dict.
    """
    entry = OFFICIAL[name]
    facts = {
        "name": name,
        **entry.summary(),
        "addresses": [file.address for file in entry.files],
        "home": entry.home,
        "verified": entry.verified,
    }
    if entry.note:
        facts["note"] = entry.note
    if pins := _pins(_folder(name)):
        facts["first_download"] = pins
    return facts


def official_zoo(name):
    """A zoo in the cache that holds official weights, made if it is not there.

    Args:
        name: string, one of `official()`.

    Returns:
        `pathlib.Path`.

    Raises:
        tfssl.zoo.NotFoundError: if the authors' address does not answer.
        tfssl.zoo.IntegrityError: for another file than the one that is known.
        tfssl.zoo.FormatError: if it cannot be read or does not hold these weights.
    """
    entry, zoo = OFFICIAL[name], _folder(name)
    if entry.noncommercial:
        warnings.warn(
            f"The weights of {name} are under {entry.licence}: not for commercial use. "
            f"See {entry.home}",
            stacklevel=3,
        )
    if _is_whole(zoo, name):
        return zoo
    try:
        paths = [_fetched(name, file, zoo) for file in entry.files]
        encoder = _converted(name, entry, paths)
        publish(encoder, name, zoo, _card(name, entry, zoo), overwrite=True)
    except (OSError, ZooError):
        # Another process may have done it meanwhile, and cleared the files away.
        if not _is_whole(zoo, name):
            raise
    # The converted one is what is used from now on.
    shutil.rmtree(zoo / "files", ignore_errors=True)
    return zoo


def _folder(name):
    return cache_folder() / "official" / name


def _is_whole(zoo, name):
    try:
        facts = entry_of(read_index(zoo), name, zoo)["files"]["encoder.keras"]
        fetch(zoo, name, "encoder.keras", facts)
    except (ZooError, KeyError):
        return False
    return True


def _fetched(name, file, zoo):
    """Path of a file of an entry: checked, and pinned if it is the first download."""
    path = zoo / "files" / file.name

    def check(received):
        _check(file, files.facts(received, md5=True), _pins(zoo).get(file.name))

    if path.exists():
        # Of a conversion that was interrupted.
        check(path)
    else:
        try:
            download(file.address, path, check, file.size)
        except NotFoundError as error:
            raise NotFoundError(
                f"{file.address} does not give {name} ({error.__cause__}). If you have "
                f"the file: tfssl convert --from=FILE --scheme={OFFICIAL[name].scheme} "
                "--output=encoder.keras"
            ) from error
    if file.name not in _pins(zoo):
        _pin(file, path, zoo)
    return path


def _pin(file, path, zoo):
    """Writes down what was downloaded, and says what could not be verified."""
    facts = files.facts(path)
    pins = {**_pins(zoo), file.name: facts}
    files.write_text(zoo / _PINS, json.dumps(pins, indent=2) + "\n")
    if not file.verified:
        warnings.warn(
            f"{file.address} could not be verified: of its checksum {file.known} is "
            f"known{', which fits' if file.known != 'nothing' else ''}. From now on it "
            f"must be the file of {facts['size']:,} bytes with sha256 "
            f"{facts['sha256']}.",
            stacklevel=5,
        )


def _check(file, found, pin):
    """Refuses a file that is not the known one, or not the one that was first."""
    fits = (
        file.size in (None, found["size"])
        and found["sha256"].startswith(file.sha256 or "")
        and found["md5"].startswith(file.md5 or "")
    )
    pinned = pin is None or all(found[key] == pin[key] for key in pin)
    if fits and pinned:
        return
    expected = f"{file.size or 'any number of'} bytes, {file.known} of its checksum"
    if not pinned:
        expected = f"what was downloaded first: {pin['size']} bytes, sha256 "
        expected += pin["sha256"]
    raise IntegrityError(
        f"{file.address} is not the file that was published. Expected {expected}. It "
        f"was not used. Received: {found['size']} bytes, sha256 {found['sha256']}, md5 "
        f"{found['md5']}"
    )


def _pins(zoo):
    path = zoo / _PINS
    return json.loads(path.read_text()) if path.exists() else {}


def _converted(name, entry, paths):
    if paths[0].suffix != ".zip" or entry.scheme != "simclr":
        return convert(paths[0], entry.scheme, name=name)
    with tempfile.TemporaryDirectory() as folder:
        return convert(_unpacked(paths[0], Path(folder)), entry.scheme, name=name)


def _unpacked(path, folder):
    """The checkpoint of TensorFlow in a zip file, under a name of our own."""
    try:
        with zipfile.ZipFile(path) as archive:
            (index,) = (x for x in archive.namelist() if x.endswith(".index"))
            for end in (".index", ".data-00000-of-00001"):
                entry = archive.getinfo(index.removesuffix(".index") + end)
                if entry.file_size > MAX_SIZE:
                    raise FormatError(f"{entry.filename} is too large")
                with (
                    archive.open(entry) as source,
                    open(folder / f"model{end}", "wb") as target,
                ):
                    shutil.copyfileobj(source, target)
    except (KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"{path} has no checkpoint of TensorFlow that can be unpacked: {error}"
        ) from error
    return folder / "model.index"


def _card(name, entry, zoo):
    metric = {
        "protocol": "linear",
        "metric": "accuracy",
        "value": entry.linear,
        "settings": {"data": "ImageNet", "source": "reported by its authors"},
    }
    return {
        "method": entry.method,
        "dataset": "ImageNet",
        "description": f"{entry.architecture} of {entry.method}, converted from the "
        f"weights that its authors published: {entry.home}",
        "architecture": entry.architecture,
        "epochs": entry.epochs,
        "licence": entry.summary()["licence"],
        "data_licence": _DATA_LICENCE,
        "addresses": [file.address for file in entry.files],
        "verified": entry.verified,
        "first_download": _pins(zoo),
        "metrics": [metric],
    }

"""Find, describe and load published encoders, our own and those of methods' authors."""

from os import PathLike

import keras

from tfssl import heads, layers  # noqa: F401  (registers what files are made of)
from tfssl.encoders.precision import float32_policy
from tfssl.zoo.errors import FormatError, NotFoundError, ZooError
from tfssl.zoo.fetch import fetch, read_index
from tfssl.zoo.index import entry_of, resolve_pin, resolve_source
from tfssl.zoo.listing import Listing
from tfssl.zoo.official_entries import OFFICIAL
from tfssl.zoo.official_weights import official_info, official_zoo
from tfssl.zoo.regular import json_dict
from tfssl.zoo.screening import check_model_file


def names(source: PathLike | str | None = None, pin: str | None = None) -> dict:
    """Names and summaries of the encoders of a zoo.

    Those that the authors of methods published are listed by `tfssl.zoo.official`.

    Args:
        source: folder, `file://` or `http(s)://` address, or `hf://owner/repo` for a
            repository of a model hub, with `@revision` for a branch, a tag or a commit
            of it (`pip install huggingface_hub`). Defaults to the environment variable
            `TFSSL_ZOO`, else the zoo that comes with the package.
        pin: string, the sha256 of the zoo's `index.json`, as `sha256sum` prints it. An
            index with another one is refused, and so is whatever was changed in the
            zoo since. Defaults to the environment variable `TFSSL_ZOO_PIN` if there is
            no `source`, else None: the index is believed.

    Returns:
        Dict from names to dicts: method, dataset, epochs, sizes, measured values by
        protocol. It prints as a line for each encoder.

    Raises:
        tfssl.zoo.ZooError: if there is no zoo, or its index cannot be read, or is not
            the pinned one.
        ValueError: if `pin` is no sha256.

    Example:
        >>> import tempfile, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> encoder = tfssl.encoders.resnet(10, 16, stem="small", width=4)
        >>> card = {"method": "simclr", "dataset": "digits", "epochs": 3}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> tfssl.zoo.names(zoo)["small"]["epochs"]
        3
    """
    encoders = read_index(resolve_source(source), resolve_pin(source, pin))
    return Listing((name, entry.get("summary", {})) for name, entry in encoders.items())


def info(
    name: str, source: PathLike | str | None = None, pin: str | None = None
) -> dict:
    """Metadata of an encoder: how it was trained and what was measured.

    Args:
        name: string, one of `names()` or `official()`.
        source: as in `names`.
        pin: as in `names`.

    Returns:
        Dict, the content of `metadata.json`; of official weights what is known of them,
        before they are loaded.

    Raises:
        tfssl.zoo.ZooError: see `load`.

    Example:
        >>> import tempfile, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> card = {"method": "simclr", "dataset": "digits"}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> tfssl.zoo.info("small", source=zoo)["feature_dim"]
        32
    """
    if source is None and name in OFFICIAL:
        _refuse_pin(pin)
        return official_info(name)
    return json_dict(_file(name, "metadata.json", source, pin))


def load(
    name: str, source: PathLike | str | None = None, pin: str | None = None
) -> keras.Model:
    """A published encoder.

    Official weights are fetched from their authors, checked, read without running
    anything, converted, and kept as a plain Keras model, which is what is loaded from
    then on. A warning says what is not known of the file, and if the licence forbids
    commercial use.

    Args:
        name: string, one of `names()` or `official()`.
        source: as in `names`; with one, official names have no meaning of their own.
            Remote files are downloaded once, into `KERAS_HOME`. All are of one commit
            of a repository.
        pin: as in `names`. With it, the weights are those that were looked at. Official
            weights take none: each has a checksum of its own.

    Returns:
        `keras.Model` from images `[batch, height, width, 3]`, pixel values in
        [0, 255], to float32 features `[batch, dim]`. It computes in float32 under any
        global policy, and is not compiled.

    Raises:
        tfssl.zoo.NotFoundError: if there is no such zoo, encoder or file.
        tfssl.zoo.IntegrityError: if a file is not the one that was published, or the
            index not the pinned one.
        tfssl.zoo.FormatError: if the index is damaged or of a newer version, or if the
            encoder needs another version of Keras or tfssl, or classes that are not
            registered (`keras.saving.register_keras_serializable`), or is no encoder.
        ValueError: if `pin` is no sha256.

    Example:
        >>> import tempfile, keras, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> encoder = tfssl.encoders.resnet(10, 16, stem="small", width=4)
        >>> card = {"method": "simclr", "dataset": "digits"}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> encoder = tfssl.zoo.load("small", source=zoo)
        >>> encoder(keras.ops.zeros((2, 16, 16, 3))).shape[1]
        32
    """
    if source is None and name in OFFICIAL:
        _refuse_pin(pin)
        source = official_zoo(name)
    return _model(name, "encoder.keras", source, pin)


def load_projector(
    name: str, source: PathLike | str | None = None, pin: str | None = None
) -> keras.Model:
    """The projector that an encoder was trained with, to go on pretraining.

    Arguments and errors are those of `load`.

    Returns:
        `keras.Model` from features to embeddings.

    Example:
        >>> import tempfile, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> head = tfssl.heads.projection_head(32, (8, 4))
        >>> card = {"method": "simclr", "dataset": "digits"}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo, card, projector=head)
        >>> tfssl.zoo.load_projector("small", source=zoo).output_shape
        (None, 4)
    """
    return _model(name, "projector.keras", source, pin)


def _refuse_pin(pin):
    if pin is not None:
        raise ValueError(
            "pin is the checksum of a zoo's index; official weights are checked by one "
            f"of their own. Leave it out. Received: pin={pin!r}"
        )


def _model(name, file, source, pin):
    path = _file(name, file, source, pin)
    try:
        check_model_file(path)
        with float32_policy():
            # Safe mode: a file describes registered classes and arrays, never code.
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of zip, HDF5, JSON, and of layers: many types
        raise FormatError(
            f"{name} is whole, but cannot be loaded here. It was made with "
            f"{_made_with(name, source, pin)}; this is Keras {keras.__version__}. "
            f"{type(error).__name__}: {error}"
        ) from error


def _made_with(name, source, pin):
    try:
        versions = dict(info(name, source, pin).get("versions", {}))
    except (ZooError, TypeError, ValueError):
        versions = {}
    known = [f"{key} {versions[key]}" for key in ("tfssl", "keras") if key in versions]
    return " and ".join(known) or "versions that its metadata does not tell"


def _file(name, file, source, pin):
    pin = resolve_pin(source, pin)
    source = resolve_source(source)
    entry = entry_of(read_index(source, pin), name, source)
    if file not in entry["files"]:
        raise NotFoundError(f"{name} of {source} was published without {file}.")
    return fetch(source, name, file, entry["files"][file])

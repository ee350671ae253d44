"""Find, describe and load published encoders, our own and those of methods' authors."""

import json
from os import PathLike

import keras

from tfssl import heads, layers  # noqa: F401  (registers what files are made of)
from tfssl.encoders.precision import float32_policy
from tfssl.zoo.errors import FormatError, NotFoundError
from tfssl.zoo.fetch import fetch, read_index
from tfssl.zoo.index import entry_of, resolve_source
from tfssl.zoo.listing import Listing
from tfssl.zoo.official_entries import OFFICIAL
from tfssl.zoo.official_weights import official_info, official_zoo


def names(source: PathLike | str | None = None) -> dict:
    """Names and summaries of the encoders of a zoo.

    Those that the authors of methods published are listed by `tfssl.zoo.official`.

    Args:
        source: folder, `file://` or `http(s)://` address. Defaults to the environment
            variable `TFSSL_ZOO`, else the zoo that comes with the package.

    Returns:
        Dict from names to dicts: method, dataset, epochs, sizes, measured values by
        protocol. It prints as a line for each encoder.

    Raises:
        tfssl.zoo.ZooError: if there is no zoo, or its index cannot be read.

    Example:
        >>> import tempfile, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> encoder = tfssl.encoders.resnet(10, 16, stem="small", width=4)
        >>> card = {"method": "simclr", "dataset": "digits", "epochs": 3}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> tfssl.zoo.names(zoo)["small"]["epochs"]
        3
    """
    encoders = read_index(resolve_source(source))
    return Listing((name, entry.get("summary", {})) for name, entry in encoders.items())


def info(name: str, source: PathLike | str | None = None) -> dict:
    """Metadata of an encoder: how it was trained and what was measured.

    Args:
        name: string, one of `names()` or `official()`.
        source: as in `names`.

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
        return official_info(name)
    return json.loads(_file(name, "metadata.json", source).read_text())


def load(name: str, source: PathLike | str | None = None) -> keras.Model:
    """A published encoder.

    Official weights are fetched from their authors, checked, read without running
    anything, converted, and kept as a plain Keras model, which is what is loaded from
    then on. A warning says what is not known of the file, and if the licence forbids
    commercial use.

    Args:
        name: string, one of `names()` or `official()`.
        source: as in `names`; with one, official names have no meaning of their own.
            Remote files are downloaded once, into `KERAS_HOME`.

    Returns:
        `keras.Model` from images `[batch, height, width, 3]`, pixel values in
        [0, 255], to float32 features `[batch, dim]`. It computes in float32 under any
        global policy, and is not compiled.

    Raises:
        tfssl.zoo.NotFoundError: if there is no such zoo, encoder or file.
        tfssl.zoo.IntegrityError: if a file is not the one that was published.
        tfssl.zoo.FormatError: if the index is damaged or of a newer version, or if the
            encoder needs another version of Keras or tfssl.

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
        source = official_zoo(name)
    return _model(name, "encoder.keras", source)


def load_projector(name: str, source: PathLike | str | None = None) -> keras.Model:
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
    return _model(name, "projector.keras", source)


def _model(name, file, source):
    path = _file(name, file, source)
    try:
        with float32_policy():
            # Safe mode: a file describes registered classes and arrays, never code.
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (TypeError, ValueError) as error:
        made_with = info(name, source).get("versions", {})
        raise FormatError(
            f"{name} is whole, but cannot be loaded here. It was made with tfssl "
            f"{made_with.get('tfssl')} and Keras {made_with.get('keras')}; this is "
            f"Keras {keras.__version__}. {error}"
        ) from error


def _file(name, file, source):
    source = resolve_source(source)
    entry = entry_of(read_index(source), name, source)
    if file not in entry["files"]:
        raise NotFoundError(f"{name} of {source} was published without {file}.")
    return fetch(source, name, file, entry["files"][file])

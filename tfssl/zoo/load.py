"""Find, describe and load published encoders."""

import json

import keras

from tfssl.zoo.errors import NotFoundError
from tfssl.zoo.fetch import fetch, read_index
from tfssl.zoo.index import entry_of, resolve_source


def list(source=None):
    """Names and summaries of the encoders of a zoo.

    Args:
        source: folder, `file://` or `http(s)://` address. Defaults to the environment
            variable `TFSSL_ZOO`, else the `zoo/` of the checkout, else the project's.

    Returns:
        Dict from names to dicts: method, dataset, epochs, sizes, measured accuracies.

    Raises:
        tfssl.zoo.ZooError: if there is no zoo, or its index cannot be read.
    """
    encoders = read_index(resolve_source(source))
    return {name: entry.get("summary", {}) for name, entry in encoders.items()}


def info(name, source=None):
    """All that is known of an encoder: how it was trained, what it is worth.

    Args:
        name: string, one of `list()`.
        source: as in `list`.

    Returns:
        Dict.

    Raises:
        tfssl.zoo.ZooError: see `load`.
    """
    return json.loads(_file(name, "metadata.json", source).read_text())


def load(name, source=None):
    """A published encoder.

    Args:
        name: string, one of `list()`.
        source: as in `list`. Remote files are downloaded once, into `KERAS_HOME`.

    Returns:
        `keras.Model` from images `[batch, height, width, 3]`, pixel values in
        [0, 255], to float32 features `[batch, dim]`.

    Raises:
        tfssl.zoo.NotFoundError: if there is no such zoo, encoder or file.
        tfssl.zoo.IntegrityError: if a file is not the one that was published.
        tfssl.zoo.FormatError: if the index cannot be read, or is of a newer version.
    """
    return _model(name, "encoder.keras", source)


def load_projector(name, source=None):
    """The projector that an encoder was trained with, to go on pretraining.

    Arguments and errors as `load`.

    Returns:
        `keras.Model` from features to embeddings.
    """
    return _model(name, "projector.keras", source)


def _model(name, file, source):
    # Safe mode: a file describes registered classes and arrays, never code.
    path = _file(name, file, source)
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def _file(name, file, source):
    source = resolve_source(source)
    entry = entry_of(read_index(source), name, source)
    if file not in entry["files"]:
        raise NotFoundError(f"{name} of {source} was published without {file}.")
    return fetch(source, name, file, entry["files"][file])

"""Whether a zoo holds what its index says, and nothing else."""

import os
from pathlib import Path

from tfssl.zoo.errors import ZooError
from tfssl.zoo.fetch import fetch, read_index
from tfssl.zoo.index import INDEX, PAGE
from tfssl.zoo.metadata import summary
from tfssl.zoo.regular import json_dict


def check_files(source):
    """Checks every file of a zoo: size, checksum, none missing and none unknown.

    Args:
        source: `pathlib.Path`, or an address, as `resolve_source` gives it, of which
            only the files that its index names can be checked; they are downloaded.

    Returns:
        List of strings, what is wrong; empty if nothing is.

    Raises:
        tfssl.zoo.ZooError: if there is no zoo, or its index cannot be read.

    Example:
        >>> import pathlib, tempfile, keras, tfssl
        >>> from tfssl.zoo.inventory import check_files
        >>> zoo = pathlib.Path(tempfile.mkdtemp())
        >>> image = keras.Input((16, 16, 3))
        >>> mean = keras.layers.GlobalAveragePooling2D()(image)
        >>> encoder = keras.Model(image, mean)
        >>> card = {"method": "simclr", "dataset": "digits"}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> check_files(zoo)
        []
        >>> length = (folder / "notes.txt").write_text("mine")
        >>> check_files(zoo)
        ['small/notes.txt is not in the index.']
    """
    encoders = read_index(source)
    wrong = []
    for name, entry in encoders.items():
        for file, facts in entry["files"].items():
            try:
                path = fetch(source, name, file, facts)
                if file == "metadata.json":
                    wrong += _disagreement(name, json_dict(path), entry)
            except ZooError as error:
                wrong.append(f"{name}/{file}: {error}")
        if "encoder.keras" not in entry["files"]:
            wrong.append(f"{name} has no encoder.keras.")
    return wrong + (_unknown(source, encoders) if isinstance(source, Path) else [])


def _disagreement(name, metadata, entry):
    try:
        agrees = summary(metadata) == entry.get("summary", {})
    except (AttributeError, KeyError, TypeError) as error:
        return [f"{name}/metadata.json has metrics that cannot be read: {error!r}."]
    if agrees and metadata.get("name") == name:
        return []
    return [f"{name}/metadata.json says other things than the index."]


def _unknown(zoo, encoders):
    """What lies in a folder and is not in its index."""
    found = sorted(set(os.listdir(zoo)) - {INDEX, PAGE, *encoders})
    for name, entry in encoders.items():
        if (zoo / name).is_dir():
            files = sorted(set(os.listdir(zoo / name)) - set(entry["files"]))
            found += [f"{name}/{file}" for file in files]
    return [f"{path} is not in the index." for path in found]

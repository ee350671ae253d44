"""Publish an encoder: weights, card, metadata, and its line in the index."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import keras

from tfssl.encoders import in_float32
from tfssl.training.workdir import versions, write_text
from tfssl.zoo.card import model_card
from tfssl.zoo.errors import ZooError
from tfssl.zoo.index import FORMAT, INDEX, check_name, file_facts, parse_index

_REQUIRED = ("method", "dataset")


def publish(encoder, name, zoo="zoo", card=None, projector=None, overwrite=False):
    """Adds an encoder to a zoo, from where `tfssl.zoo.load` takes it.

    Writes `zoo/NAME/` with `encoder.keras`, `projector.keras`, `metadata.json` and
    `README.md`, the model card, and enters sha256 and size of each into
    `zoo/index.json`. The encoder is saved to compute in float32, whatever it was
    trained in. Nothing half-written is left behind.

    Args:
        encoder: `keras.Model` from images, pixel values in [0, 255], to features.
        name: string of letters, digits, '_', '-' and '.'.
        zoo: folder of the zoo; made if it does not exist.
        card: dict of what to know of the encoder. `method` and `dataset` are required;
            `epochs`, `batch_size`, `seed`, `settings`, `commit`, `versions`, `metrics`
            (list of result dicts), `licence`, `data_licence` and `description` have
            their place in the card, other keys are kept in the metadata.
        projector: `keras.Model` on the features, to go on pretraining with. Optional.
        overwrite: bool, whether an encoder of this name is replaced.

    Returns:
        `pathlib.Path` of the encoder's folder.

    Raises:
        ValueError: if the card lacks a required key.
        tfssl.zoo.ZooError: if the name is taken or no name.

    Example:
        >>> import tempfile, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> encoder = tfssl.encoders.resnet18(16, stem="small", width=4)
        >>> card = {"method": "none", "dataset": "none"}
        >>> folder = tfssl.zoo.publish(encoder, "untrained", zoo=zoo, card=card)
        >>> tfssl.zoo.load("untrained", source=zoo).output_shape
        (None, 32)
    """
    check_name(name)
    card = dict(card or {})
    missing = [key for key in _REQUIRED if not card.get(key)]
    if missing:
        raise ValueError(
            f"The card must say {' and '.join(missing)}. Received: {sorted(card)}"
        )
    zoo = Path(zoo)
    folder = zoo / name
    if folder.exists() and not overwrite:
        raise ZooError(f"{folder} exists already. Choose another name, or overwrite.")
    encoders = {}
    if (zoo / INDEX).exists():
        encoders = parse_index((zoo / INDEX).read_text(), zoo)
    metadata = _metadata(encoder, name, card)

    zoo.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=zoo, prefix=".partial-"))
    try:
        in_float32(encoder).save(partial / "encoder.keras")
        if projector is not None:
            in_float32(projector).save(partial / "projector.keras")
        write_text(partial / "metadata.json", json.dumps(metadata, indent=2) + "\n")
        write_text(partial / "README.md", model_card(metadata))
        files = {path.name: file_facts(path) for path in sorted(partial.iterdir())}
        # mkdtemp makes a folder that only its owner may read.
        partial.chmod(0o755)
        for path in partial.iterdir():
            path.chmod(0o644)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    encoders[name] = {"summary": _summary(metadata), "files": files}
    index = {"format": FORMAT, "encoders": dict(sorted(encoders.items()))}
    write_text(zoo / INDEX, json.dumps(index, indent=2) + "\n")
    (zoo / INDEX).chmod(0o644)
    return folder


def _metadata(encoder, name, card):
    height, width = encoder.input_shape[1:3]
    return {
        "name": name,
        **card,
        "input_size": [height, width],
        "input_range": [0, 255],
        "pixel_scaling": _pixel_scaling(encoder),
        "feature_dim": encoder.output_shape[-1],
        "parameters": encoder.count_params(),
        "versions": card.get("versions") or versions(),
    }


def _pixel_scaling(encoder):
    """Scale and offset of the encoder's first layer, if it is a Rescaling."""
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.Rescaling):
            return {"scale": layer.scale, "offset": layer.offset}
    return None


def _summary(metadata):
    keys = ("method", "dataset", "epochs", "input_size", "feature_dim", "parameters")
    summary = {key: metadata[key] for key in keys if key in metadata}
    for result in metadata.get("metrics", []):
        summary[result["protocol"]] = result["value"]
    return summary

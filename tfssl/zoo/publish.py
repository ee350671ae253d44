"""Publish an encoder: weights, card, metadata, and its entry in the index."""

import json
from os import PathLike
from pathlib import Path

import keras
import numpy as np

from tfssl.encoders.precision import float32_policy, in_float32
from tfssl.files import save_model, write_text
from tfssl.zoo.archive import as_half, normalize
from tfssl.zoo.card import model_card
from tfssl.zoo.fingerprint import fingerprint
from tfssl.zoo.index import check_name
from tfssl.zoo.metadata import describe, summary
from tfssl.zoo.page import write_page
from tfssl.zoo.plain import needed_imports, plain_keras
from tfssl.zoo.shelf import check_free, new_encoder


def publish(
    encoder: keras.Model,
    name: str,
    zoo: PathLike | str = "zoo",
    card: dict | None = None,
    projector: keras.Model | None = None,
    overwrite: bool = False,
    half: bool = False,
) -> Path:
    """Adds an encoder to a zoo, from which `tfssl.zoo.load` loads it.

    Writes `zoo/NAME/` with `encoder.keras`, `projector.keras`, `metadata.json` and
    `README.md`, the model card, and enters sha256 and size of each into
    `zoo/index.json`. `zoo/index.html` is a page of all encoders, to look at. Both
    models are saved to compute in float32, whatever they were trained in, and with
    Keras's batch normalisation in place of tfssl's, so most of them load with Keras
    alone; the card says which modules the others need. Each file is read back before it
    counts. A failure leaves the zoo as it was. What a process that was killed leaves
    half-written is put in order when something is published to the zoo again. Processes
    may publish to a zoo at once if they are on one machine, or on a file system whose
    locks hold between machines.

    Args:
        encoder: `keras.Model` from images, pixel values in [0, 255], to features.
        name: string of lower-case letters, digits, '_', '-' and '.'.
        zoo: folder of the zoo; made if it does not exist.
        card: dict of what is known of the encoder. `method` and `dataset` are required;
            `epochs`, `batch_size`, `seed`, `settings`, `commit`, `device`, `versions`,
            `metrics` (list of result dicts), `licence`, `data_licence`, `description`
            and `limits` have their place in the card; other keys are listed in it.
        projector: `keras.Model` on the features, to go on pretraining with. Optional.
        overwrite: bool, whether an encoder of this name is replaced.
        half: bool, whether kernels are kept in half precision: half the size. They
            compute in float32 as before. Measure what it costs. Defaults to False.

    Returns:
        `pathlib.Path` of the encoder's folder.

    Raises:
        ValueError: if the card lacks a required key, or the encoder takes no images or
            cannot be loaded safely, or has weights too large for half precision, or
            features that are not finite.
        tfssl.zoo.ZooError: if the name is taken or not allowed, or the index is
            damaged, or another process holds the zoo for a minute.

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
    zoo = Path(zoo)
    metadata = describe(encoder, name, dict(card or {}))
    check_free(zoo, name, overwrite)
    models = {"encoder.keras": plain_keras(in_float32(encoder))}
    if projector is not None:
        models["projector.keras"] = plain_keras(in_float32(projector))
    metadata["imports"] = needed_imports(models["encoder.keras"])
    metadata["kernels"] = "float16" if half else "float32"

    with new_encoder(zoo, name, summary(metadata), overwrite) as new:
        read = {file: _saved(models[file], new / file, half) for file in models}
        metadata["fingerprint"] = fingerprint(read["encoder.keras"])
        write_text(new / "metadata.json", json.dumps(metadata, indent=2) + "\n")
        write_text(new / "README.md", model_card(metadata))
    write_page(zoo)
    return zoo / name


def _saved(model, path, half):
    """The model as its file gives it, which is read to see that no weights are lost."""
    save_model(model, path)
    normalize(path, half)
    with float32_policy():
        read = keras.saving.load_model(path, compile=False, safe_mode=True)
    kept = [as_half(w) if half else w for w in model.get_weights()]
    pairs = zip(kept, read.get_weights(), strict=True)
    if not all(np.array_equal(*pair) for pair in pairs):
        raise ValueError(
            f"Weights of {model.name} are lost in saving. Make each layer an attribute "
            "of the model, or the model functional."
        )
    return read

"""Publish an encoder: weights, card, metadata, and its entry in the index."""

import contextlib
import json
import tempfile
from os import PathLike
from pathlib import Path

import keras
import numpy as np

from tfssl.encoders.precision import float32_policy, in_float32
from tfssl.files import save_model, write_text
from tfssl.zoo import hub
from tfssl.zoo.archive import as_half, normalize
from tfssl.zoo.card import model_card
from tfssl.zoo.fetch import read_index
from tfssl.zoo.fingerprint import fingerprint
from tfssl.zoo.index import INDEX, PAGE, check_name, folder_to_write, own_places
from tfssl.zoo.metadata import describe, summary
from tfssl.zoo.page import page_of, write_page
from tfssl.zoo.plain import needed_imports, plain_keras
from tfssl.zoo.published import published
from tfssl.zoo.shelf import check_free, new_encoder, refuse_taken, write_index


def publish(
    encoder: keras.Model,
    name: str,
    zoo: PathLike | str = "zoo",
    card: dict | None = None,
    projector: keras.Model | None = None,
    overwrite: bool = False,
    half: bool = False,
) -> Path | str:
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

    To a repository of a model hub, `hf://owner/repo`, all of it goes in one commit, so
    it is there as a whole or not at all, and everybody may publish at once. That takes
    a token that may write to it. A repository that does not exist is made, for all to
    read unless its owner's settings say otherwise.

    Args:
        encoder: `keras.Model` from images, pixel values in [0, 255], to features.
        name: string of lower-case letters, digits, '_', '-' and '.'.
        zoo: folder of the zoo, or `hf://owner/repo`, with `@branch` if it is not the
            main one (`pip install huggingface_hub`); made if it does not exist.
            Defaults to "zoo".
        card: dict of what is known of the encoder. `method` and `dataset` are required;
            `epochs`, `batch_size`, `seed`, `settings`, `commit`, `device`, `versions`,
            `metrics` (list of result dicts), `licence`, `data_licence`, `description`
            and `limits` have their place in the card; other keys are listed in it.
        projector: `keras.Model` on the features, to go on pretraining with. Optional.
        overwrite: bool, whether an encoder of this name is replaced.
        half: bool, whether kernels are kept in half precision: half the size. They
            compute in float32 as before. Measure what it costs. Defaults to False.

    Returns:
        `pathlib.Path` of the encoder's folder; of a repository a string,
        `hf://owner/repo/NAME`.

    Raises:
        ValueError: if the card lacks a required key, or the encoder takes no images or
            cannot be loaded safely, or has weights too large for half precision, or
            features that are not finite.
        tfssl.zoo.ZooError: if the name is taken or not allowed, or the index is
            damaged, or another process holds the zoo for a minute; and if a repository
            cannot be reached, or may not be written to; and for other addresses.

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
    metadata = describe(encoder, name, dict(card or {}))
    # Mistakes are told before there is work.
    if hub.is_address(zoo):
        shelved = _in_repository
        _repository_entries(*hub.newest(zoo), name, overwrite)
    else:
        shelved, zoo = _in_folder, folder_to_write(zoo)
        check_free(zoo, name, overwrite)
    models = {"encoder.keras": plain_keras(in_float32(encoder))}
    if projector is not None:
        models["projector.keras"] = plain_keras(in_float32(projector))
    metadata["imports"] = needed_imports(models["encoder.keras"])
    metadata["kernels"] = "float16" if half else "float32"

    with shelved(zoo, name, summary(metadata), overwrite) as new:
        read = {file: _saved(models[file], new / file, half) for file in models}
        metadata["fingerprint"] = fingerprint(read["encoder.keras"])
        write_text(new / "metadata.json", json.dumps(metadata, indent=2) + "\n")
        write_text(new / "README.md", model_card(metadata, _source(zoo)))
    return zoo / name if isinstance(zoo, Path) else f"{zoo.rstrip('/')}/{name}"


def _source(zoo):
    """What the card of an encoder says where its zoo is."""
    if not isinstance(zoo, Path):
        return zoo.rstrip("/")
    if zoo.resolve() in map(Path.resolve, own_places()):
        return None
    # A path of this machine is no help elsewhere.
    return ""


@contextlib.contextmanager
def _in_folder(zoo, name, summary, overwrite):
    """As `new_encoder`, and the page is written."""
    with new_encoder(zoo, name, summary, overwrite) as new:
        yield new
    write_page(zoo)


@contextlib.contextmanager
def _in_repository(zoo, name, summary, overwrite):
    """As `_in_folder`: from a zoo of one encoder into a repository, in one commit."""
    with tempfile.TemporaryDirectory() as folder:
        shelf = Path(folder)
        with new_encoder(shelf, name, summary) as new:
            yield new
        entry, mine = read_index(shelf)[name], published(shelf)

        def changes(source, paths):
            entries = _repository_entries(source, paths, name, overwrite)
            others = published(source) if entries else []
            kept = [encoder for encoder in others if encoder.name != name]
            page = page_of(sorted(kept + mine, key=lambda encoder: encoder.name))
            write_index(shelf, {**entries, name: entry})
            write_text(shelf / PAGE, page)
            files = [INDEX, PAGE, *(f"{name}/{file}" for file in entry["files"])]
            # What was there before goes.
            removed = dict.fromkeys(_of(name, paths))
            return {**removed, **{file: shelf / file for file in files}}

        hub.commit(zoo, f"Publish {name}", changes)


def _repository_entries(source, paths, name, overwrite):
    """The entries of a repository's index, if the name is free there."""
    entries = read_index(source) if INDEX in paths else {}
    taken = name in entries or bool(_of(name, paths))
    refuse_taken(f"{source}/{name}", taken, overwrite)
    return entries


def _of(name, paths):
    """Those of the paths that are the name, or lie in its folder."""
    return [path for path in paths if path == name or path.startswith(f"{name}/")]


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

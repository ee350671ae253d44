"""What the fuzz reads: for each kind of file good ones, and how they are read.

A reader returns what is right, or raises an error of its kind that names the file.
"""

import dataclasses
import functools
import io
import json
import struct
from html.parser import HTMLParser
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import tfssl
from tfssl import files
from tfssl.zoo.checkpoints import StoredArray, read_checkpoint
from tfssl.zoo.examples_file import Examples, read_examples, thumbnail
from tfssl.zoo.page import page_of
from tfssl.zoo.published import Published

REFERENCES = Path(__file__).parent / "references"
RNG = np.random.default_rng(0)
CARD = {"method": "simclr", "dataset": "digits", "epochs": 3}


class Images:
    """Photos of a folder."""

    errors = (ValueError, OSError)

    def good(self):
        rgb = Image.fromarray(RNG.integers(0, 256, (12, 20, 3), np.uint8))
        exif = Image.Exif()
        exif[0x0112] = 6
        clear = rgb.convert("RGBA")
        clear.putalpha(128)
        kinds = [
            ("a.jpg", rgb, {"exif": exif, "progressive": True}),
            ("a.png", rgb, {"exif": exif}),
            ("clear.png", clear, {}),
            ("palette.png", rgb.quantize(8), {"transparency": 1}),
            ("deep.png", Image.fromarray(np.full((12, 20), 999, np.uint16)), {}),
            ("a.webp", clear, {"lossless": True}),
            ("lossy.webp", rgb, {"exif": exif}),
            ("a.tif", rgb, {"compression": "tiff_lzw"}),
            ("plain.tif", rgb, {"exif": exif}),
            ("a.gif", rgb.quantize(8), {"save_all": True, "append_images": [rgb]}),
            ("a.bmp", rgb, {}),
            ("a.avif", rgb, {}),
        ]
        for name, image, options in kinds:
            file = io.BytesIO()
            image.save(
                file, Image.registered_extensions()[Path(name).suffix], **options
            )
            yield name, file.getvalue()

    def put(self, folder, name, content):
        (folder / name).write_bytes(content)

    def read(self, folder, name):
        image = tfssl.data.load_image(folder / name, 16)
        assert image.shape == (16, 16, 3) and image.dtype == np.uint8

    def told(self, folder, name, error):
        return name in str(error)


class Arrays(Images):
    """Sets of images in npz files."""

    def good(self):
        x = RNG.integers(0, 256, (5, 6, 6, 3), np.uint8)
        kinds = [
            ("a.npz", np.savez, {"x_train": x, "y_train": np.arange(5)}),
            ("small.npz", np.savez_compressed, {"x_train": x, "x_test": x[:2]}),
            ("grey.npz", np.savez, {"x_train": x[..., 0] * 1.0, "y_train": [[1]] * 5}),
        ]
        for name, save, arrays in kinds:
            file = io.BytesIO()
            save(file, **arrays)
            yield name, file.getvalue()

    def read(self, folder, name):
        data = tfssl.data.load(f"npz:{folder / name}")
        assert data.images.dtype == np.uint8 and data.images.ndim == 4
        assert data.images.shape[3] == 3 and data.images.size
        assert data.labels is None or data.labels.shape == data.images.shape[:1]


class Index:
    """The index of a zoo."""

    errors = (tfssl.zoo.ZooError,)
    file = "index.json"

    def good(self):
        facts = {"sha256": "0" * 64, "size": 3}
        file = {"metadata.json": facts, "encoder.keras": facts}
        entry = {"summary": {**CARD, "knn": 0.5, "input_size": [8, 8]}, "files": file}
        index = {"format": 1, "encoders": {"fuzzed": entry, "other": entry}}
        yield "plain", json.dumps(index).encode()
        yield "indented", json.dumps(index, indent=2).encode()

    def put(self, folder, name, content):
        (folder / "index.json").write_bytes(content)

    def read(self, folder, name):
        found = tfssl.zoo.names(folder)
        assert isinstance(found, dict) and isinstance(repr(found), str)
        assert all(isinstance(summary, dict) for summary in found.values())

    def told(self, folder, name, error):
        return str(folder) in str(error)


class Metadata(Index):
    """Metadata with the checksum that the index has."""

    file = "metadata.json"

    def good(self):
        versions = {"tfssl": "1", "keras": "3"}
        metadata = {**CARD, "versions": versions, "metrics": [{"value": 0.5}]}
        yield "metadata", json.dumps(metadata, indent=2).encode()

    def put(self, folder, name, content):
        (folder / "fuzzed").mkdir(exist_ok=True)
        (folder / "fuzzed" / self.file).write_bytes(content)
        facts = {self.file: files.facts(folder / "fuzzed" / self.file)}
        index = {"format": 1, "encoders": {"fuzzed": {"files": facts}}}
        (folder / "index.json").write_text(json.dumps(index))

    def read(self, folder, name):
        assert isinstance(tfssl.zoo.info("fuzzed", source=folder), dict)

    def told(self, folder, name, error):
        return "fuzzed" in str(error)


class Shown(Metadata):
    """Examples, and the page that is made of them."""

    file = "examples.json"

    def good(self):
        yield "labelled", self.examples.to_json().encode()
        bare = dataclasses.replace(self.examples, classes=None, labels=None)
        yield "unlabelled", bare.to_json().encode()

    @functools.cached_property
    def examples(self):
        picture = thumbnail(np.arange(243, dtype="uint8").reshape(9, 9, 3))
        return Examples(
            *("tfds:cats", "test", 100, 0, [[0, 1000], [500, 3], [7, 7], [8, 8]]),
            *(["cat", "<b>"], [0, 1, 1, 0], [[0, 2, 3], [1, 0, 3]]),
            dict.fromkeys(range(4), picture),
        )

    def read(self, folder, name):
        found = read_examples(folder / "fuzzed" / self.file)
        # Whatever it says, of the page's own tags and attributes only.
        assert markup(found) <= markup(self.examples)


def markup(examples):
    """The tags and attributes that are in the page of examples."""
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.update(
        [(tag, name) for name, _ in [("", ""), *attributes]]
    )
    parser.feed(page_of([Published("a", {}, {}, examples)]))
    return found


class Models(Metadata):
    """Encoders with the checksum that the index has."""

    file = "encoder.keras"

    def good(self):
        image = keras.Input((8, 8, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        x = keras.layers.Conv2D(4, 3, use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x))
        patches = tfssl.encoders.vit(8, 4, width=8, depth=1, heads=2)
        for name, model in (("network", keras.Model(image, x)), ("patches", patches)):
            # As they are published: dates differ, and so would the mutations.
            file = Path(f"{name}.keras")
            model.save(file)
            tfssl.zoo.archive.normalize(file)
            yield name, file.read_bytes()
            file.unlink()

    def read(self, folder, name):
        assert isinstance(tfssl.zoo.load("fuzzed", source=folder), keras.Model)


class Checkpoints(Images):
    """Weights in the files of others."""

    errors = (tfssl.zoo.ZooError,)

    def good(self):
        for kind in ("zip", "legacy"):
            # Written by PyTorch.
            yield f"{kind}.pth", (REFERENCES / f"torch_{kind}.pth").read_bytes()
        place = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
        header = json.dumps({"kernel": place}).encode()
        size = struct.pack("<Q", len(header))
        yield "a.safetensors", size + header + np.ones(6, "<f4").tobytes()

    def read(self, folder, name):
        found = read_checkpoint(folder / name, inert=["argparse.Namespace"])
        assert isinstance(found, dict)
        for array in keras.tree.flatten(found):
            if isinstance(array, StoredArray):
                assert np.asarray(array).shape == array.shape


TARGETS = {
    "image": Images(),
    "npz": Arrays(),
    "index": Index(),
    "metadata": Metadata(),
    "examples": Shown(),
    "keras": Models(),
    "checkpoint": Checkpoints(),
}

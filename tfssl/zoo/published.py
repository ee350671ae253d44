"""What a zoo tells of its encoders, for tables and pages."""

import dataclasses
import math
import numbers

from tfssl.transfer.result import Result
from tfssl.zoo.errors import ZooError
from tfssl.zoo.examples_file import EXAMPLES, MOST_BYTES, Examples, read_examples
from tfssl.zoo.fetch import fetch, read_index
from tfssl.zoo.regular import json_dict

# Settings of results that are of other features, or of images held out.
_OTHERWISE = ("head_layer", "layer", "pool", "hold_out")
# Measured with few labels of each class, and what goes with them for all labels.
FEW = {
    "few_linear": "linear",
    "few_knn": "knn",
    "frozen": None,
    "finetuned": None,
    "scratch": None,
}


@dataclasses.dataclass(frozen=True)
class Published:
    """An encoder of a zoo.

    Args:
        name: string.
        metadata: dict, the content of its `metadata.json`.
        files: dict from names of files to their `size` and `sha256`.
        examples: `Examples`, what it sees in images; None if nobody showed it any.
    """

    name: str
    metadata: dict
    files: dict
    examples: Examples | None = None

    @property
    def size(self):
        """Of the encoder's file, in bytes; None if it has none."""
        return self.files.get("encoder.keras", {}).get("size")

    @property
    def dataset(self):
        """What it was trained on, without where that came from."""
        return without_kind(self.text("dataset"))

    @property
    def network(self):
        """Name of the network."""
        return self.text("encoder") or self.text("architecture")

    @property
    def input_size(self):
        """Height and width that it takes: a tuple, empty for any."""
        size = self.metadata.get("input_size")
        fixed = isinstance(size, list) and len(size) == 2 and all(map(_is_count, size))
        return tuple(size) if fixed else ()

    def text(self, key):
        """An entry of the metadata as text, empty if there is none."""
        value = self.metadata.get(key)
        return "" if value is None else str(value)

    def number(self, key):
        """An entry of the metadata if it is a finite number, else None."""
        value = self.metadata.get(key)
        return value if _is_number(value) else None

    @property
    def results(self):
        """What was measured: a list of `tfssl.transfer.Result`."""
        metrics = self.metadata.get("metrics")
        made = map(_result, metrics if isinstance(metrics, list) else [])
        return [result for result in made if result is not None]

    def measured(self, protocol, labels_per_class=None):
        """The first result of a protocol on the images that it was trained on.

        Args:
            protocol: string.
            labels_per_class: int, or None for all labels.

        Returns:
            `tfssl.transfer.Result` or None.
        """
        for result in self._own():
            count = result.settings.get("labels_per_class")
            if (result.protocol, count) == (protocol, labels_per_class):
                return result
        return None

    def counts(self):
        """Labels a class that it was measured with: a sorted list of ints."""
        found = (result.settings.get("labels_per_class") for result in self._own())
        return sorted({count for count in found if _is_count(count)})

    def curves(self):
        """Its accuracies over labels: a list as `tfssl.pages.label_chart` takes it."""
        curves = []
        for protocol, whole in FEW.items():
            found = [(n, self.measured(protocol, n)) for n in self.counts()]
            found += [(None, self.measured(whole))] if whole else []
            points = [(n, result.value, result.std) for n, result in found if result]
            kind = protocol.removeprefix("few_").replace("knn", "kNN")
            curves.append((self.name, kind, points))
        return [curve for curve in curves if curve[2]]

    def _own(self):
        """What was measured of its features, on test images of its own data set."""
        own = self.metadata.get("dataset")
        for result in self.results:
            settings = result.settings
            otherwise = any(settings.get(name) for name in _OTHERWISE)
            if settings.get("dataset", own) == own and not otherwise:
                yield result


def curves(encoders):
    """Accuracies over labels, for `tfssl.pages.label_chart`, by data set.

    Args:
        encoders: list of `Published`.

    Returns:
        Dict from names of data sets to lists of curves, of those on which an encoder
        was measured with few labels.
    """
    found = {}
    for dataset in dict.fromkeys(encoder.dataset for encoder in encoders):
        those = [encoder for encoder in encoders if encoder.dataset == dataset]
        if any(encoder.counts() for encoder in those):
            found[dataset] = [c for encoder in those for c in encoder.curves()]
    return found


def without_kind(dataset):
    """Name of a data set, without where that came from: cifar10 of tfds:cifar10."""
    return dataset.partition(":")[2] or dataset


def published(source):
    """All encoders of a zoo, by name. Nothing of them is loaded.

    Args:
        source: `pathlib.Path`, or an address, as `resolve_source` gives it.

    Returns:
        List of `Published`. Of an encoder whose metadata cannot be read, it has what
        the index says; examples that cannot be read are none.

    Raises:
        tfssl.zoo.ZooError: if there is no zoo, or its index cannot be read.
    """
    found = []
    for name, entry in sorted(read_index(source).items()):
        metadata = dict(entry.get("summary", {}))
        try:
            facts = entry["files"]["metadata.json"]
            metadata = json_dict(fetch(source, name, "metadata.json", facts))
        except (KeyError, ZooError):
            pass
        examples = _examples(source, name, entry["files"].get(EXAMPLES))
        found.append(Published(name, metadata, entry["files"], examples))
    return found


def _examples(source, name, facts):
    if facts is None or facts["size"] > MOST_BYTES:
        return None
    try:
        return read_examples(fetch(source, name, EXAMPLES, facts))
    except ZooError:
        return None


def _is_number(value):
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _is_count(value):
    return type(value) is int and value > 0


def _result(content):
    """A result of a card, of which only protocol and value are sure; None if not."""
    if not isinstance(content, dict) or not _is_number(content.get("value")):
        return None
    settings, std = content.get("settings"), content.get("std")
    return Result(
        str(content.get("protocol")),
        float(content["value"]),
        float(std) if _is_number(std) else None,
        settings=settings if isinstance(settings, dict) else {},
        metric=str(content.get("metric") or "accuracy"),
    )

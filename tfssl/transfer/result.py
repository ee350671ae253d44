"""What a measurement of an encoder returns, how it is printed and how it is kept."""

import dataclasses
import json
import math
import numbers
import os

import numpy as np

from tfssl.files import facts, versions, write_text


@dataclasses.dataclass(frozen=True)
class Result:
    """A measured number and how it was measured.

    Args:
        protocol: string, such as "knn" or "linear".
        value: float; the mean over the draws, where there are several.
        std: float, sample standard deviation over the draws, or None for one draw.
        draws: tuple of floats, the value of each draw of the labels; empty for a
            protocol that draws none.
        settings: dict of what decides the number, of JSON's types.
        metric: string. Defaults to "accuracy", a fraction in [0, 1].

    Raises:
        ValueError: for a value that is no finite number, which is no measurement.

    Example:
        >>> from tfssl.transfer import Result
        >>> result = Result("knn", 0.6125, settings={"k": 200})
        >>> print(result)
        knn  0.6125
        >>> Result.from_dict(result.to_dict()) == result
        True
    """

    protocol: str
    value: float
    std: float | None = None
    draws: tuple = ()
    settings: dict = dataclasses.field(default_factory=dict)
    metric: str = "accuracy"

    def __post_init__(self):
        if not all(map(_is_finite, (self.value, *self.draws))):
            raise ValueError(
                "The value and the draws of a result are finite numbers. Received: "
                f"{self.protocol} {self.value}, draws {self.draws}"
            )

    @classmethod
    def over_draws(cls, protocol, draws, settings):
        """The result of several draws: their mean and standard deviation.

        Args:
            protocol: string.
            draws: list of floats, at least one.
            settings: dict.

        Returns:
            `Result`.

        Example:
            >>> from tfssl.transfer import Result
            >>> print(Result.over_draws("scratch", [0.25, 0.5, 0.75], {}))
            scratch  0.5000 +- 0.2500
        """
        std = float(np.std(draws, ddof=1)) if len(draws) > 1 else None
        return cls(protocol, float(np.mean(draws)), std, tuple(draws), settings)

    @property
    def title(self):
        """The protocol, and how many labels it had of each class if few."""
        count = self.settings.get("labels_per_class")
        return f"{self.protocol}, {count} labels per class" if count else self.protocol

    def with_settings(self, **settings):
        """The same result with more settings; those it has already are kept."""
        return dataclasses.replace(self, settings={**settings, **self.settings})

    def to_dict(self):
        """The result as a dict of JSON's types."""
        return {**dataclasses.asdict(self), "draws": list(self.draws)}

    @classmethod
    def from_dict(cls, content):
        """The result of a dict that `to_dict` made.

        Args:
            content: dict.

        Returns:
            `Result`.

        Raises:
            ValueError: for missing or unknown keys.
        """
        try:
            return cls(**{**content, "draws": tuple(content.get("draws", ()))})
        except (AttributeError, TypeError) as error:
            names = ", ".join(field.name for field in dataclasses.fields(cls))
            raise ValueError(
                f"A result is a dict of {names}. Received: {content}"
            ) from error

    def __str__(self):
        return table([self])


def _is_finite(x):
    return isinstance(x, numbers.Real) and math.isfinite(x)


def table(results):
    """Results as text, one line each.

    Args:
        results: list of `Result`.

    Returns:
        String.

    Example:
        >>> from tfssl.transfer import Result, table
        >>> print(table([Result("knn", 0.5), Result("scratch", 0.25, std=0.01)]))
        knn      0.5000
        scratch  0.2500 +- 0.0100
    """
    width = max((len(result.title) for result in results), default=0)
    lines = []
    for result in results:
        spread = "" if result.std is None else f" +- {result.std:.4f}"
        lines.append(f"{result.title:<{width}}  {result.value:.4f}{spread}")
    return "\n".join(lines)


def write_results(path, results, *, encoder, dataset):
    """Writes results as JSON, the whole file or none.

    Args:
        path: string or `pathlib.Path`; its folder is made if it does not exist.
        results: list of `Result`.
        encoder: string, where the encoder came from. Of a file its sha256 is kept too,
            so that what is published are figures of this very file.
        dataset: string, name of the images that were measured on.

    Example:
        >>> import tempfile
        >>> from tfssl.transfer import Result, read_results, write_results
        >>> path = tempfile.mkdtemp() + "/evaluation.json"
        >>> write_results(
        ...     path, [Result("knn", 0.5)], encoder="zoo:mine", dataset="digits"
        ... )
        >>> read_results(path)["results"]
        [Result(protocol='knn', value=0.5, std=None, draws=(), settings={}, \
metric='accuracy')]
    """
    content = {
        "encoder": encoder,
        "dataset": dataset,
        "results": [result.to_dict() for result in results],
        "versions": versions(),
    }
    if os.path.isfile(encoder):
        content["encoder_sha256"] = facts(encoder)["sha256"]
    _make_folder(path)
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_results(path):
    """What `write_results` wrote.

    Args:
        path: string or `pathlib.Path`.

    Returns:
        Dict of `encoder`, `dataset`, `results` (list of `Result`) and `versions`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a file of results.
    """
    with open(path) as file:
        text = file.read()
    try:
        content = json.loads(text)
        results = [Result.from_dict(each) for each in content["results"]]
        return {
            "encoder": content["encoder"],
            "dataset": content["dataset"],
            "results": results,
            "versions": content["versions"],
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no file of results, as write_results makes one. "
            f"Received: {type(error).__name__}: {error}"
        ) from error


def record_results(results, path=None, *, encoder, dataset):
    """Prints each result as soon as it is measured, and keeps the file up to date.

    If a measurement fails, those before it are in the file.

    Args:
        results: iterable of `Result`; a generator measures the next one when this
            one is written.
        path: string or `pathlib.Path` for `write_results`, or None for no file.
        encoder, dataset: as in `write_results`.

    Returns:
        List of the results.

    Example:
        >>> from tfssl.transfer import Result, record_results
        >>> measured = record_results(
        ...     (Result("knn", k / 8, settings={"k": k}) for k in (5, 6)),
        ...     encoder="zoo:mine",
        ...     dataset="digits",
        ... )
        knn  0.6250
        knn  0.7500
    """
    if path:
        # A folder that cannot be made is known before anything is measured.
        _make_folder(path)
    done = []
    for result in results:
        done.append(result)
        print(result, flush=True)
        if path:
            write_results(path, done, encoder=encoder, dataset=dataset)
    if path:
        print(f"Wrote {path}")
    return done


def _make_folder(path):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)

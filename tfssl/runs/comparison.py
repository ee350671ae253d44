"""Several runs side by side: those that differ in their seed alone are one line."""

import dataclasses
import html
import json
import math

import numpy as np

from tfssl import transfer
from tfssl.files import write_text
from tfssl.pages import page, pictures
from tfssl.runs.report.of_run import results_of
from tfssl.runs.report.report import CURVES
from tfssl.runs.workdir import FREE_SETTINGS, Workdir


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs that differ in their seed alone.

    Args:
        name: string, the settings in which it differs from the other groups.
        runs: tuple of `Workdir`.
    """

    name: str
    runs: tuple

    def curve(self, name):
        """A column of the runs' metrics over the epochs.

        Args:
            name: string, such as "knn_accuracy".

        Returns:
            List of `(epoch, mean, std)` over the runs that came to the epoch; std is
            the sample standard deviation, 0 for one run.
        """
        values = {}
        for run in self.runs:
            for row in run.metrics():
                if name in row:
                    values.setdefault(row["epoch"], []).append(row[name])
        return [(epoch, *_spread(values[epoch])) for epoch in sorted(values)]

    def results(self):
        """What was measured: a list of `tfssl.transfer.Result`, one a protocol.

        The value is the mean over the runs, `draws` holds the values of the runs.
        """
        values = {}
        for run in self.runs:
            for result in results_of(run):
                values.setdefault(result.title, []).append(result.value)
        if not values:
            last = [run.metrics()[-1] for run in self.runs if run.metrics()]
            known = [row.get("knn_accuracy", math.nan) for row in last]
            known = [value for value in known if math.isfinite(value)]
            values = {"knn while training": known} if known else {}
        return [
            transfer.Result.over_draws(protocol, found, {"runs": len(found)})
            for protocol, found in values.items()
        ]


def grouped(workdirs, by=None):
    """Runs in groups that differ in more than their seed.

    Args:
        workdirs: list of the folders of runs.
        by: sequence of strings, the settings that name a group. Defaults to all in
            which the groups differ.

    Returns:
        List of `Group`, in the order of their first run.

    Raises:
        FileNotFoundError: if a folder holds no run.
        ValueError: if there is no folder.
    """
    if not workdirs:
        raise ValueError("Give the workdirs of runs to compare. Received none.")
    runs = {}
    for path in workdirs:
        run = Workdir.read(path)
        decisive = {
            name: value
            for name, value in run.info["settings"].items()
            if name not in (*FREE_SETTINGS, "seed")
        }
        runs.setdefault(json.dumps(decisive, sort_keys=True), []).append(run)
    kinds = [json.loads(key) for key in runs]
    names = sorted({name for kind in kinds for name in kind})
    differing = by or [
        n for n in names if len({json.dumps(k.get(n)) for k in kinds}) > 1
    ]
    return [
        Group(_name(kind, differing), tuple(found))
        for kind, found in zip(kinds, runs.values(), strict=True)
    ]


def table(groups):
    """Groups as text: a line each, with what was measured.

    Args:
        groups: list of `Group`.

    Returns:
        String.
    """
    rows = [("run", "seeds", "measured"), *map(_row, groups)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"{name:<{widths[0]}}  {seeds:>{widths[1]}}  {measured}".rstrip()
        for name, seeds, measured in rows
    )


def write_comparison(path, groups):
    """Writes a page with the table of the groups and their curves, one over the other.

    Args:
        path: string or `pathlib.Path` of the HTML file.
        groups: list of `Group`.
    """
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in map(_row, groups)
    )
    cards = []
    for name, meaning in CURVES.items():
        series = [(group.name, group.curve(name)) for group in groups]
        if any(len(points) > 1 for _, points in series):
            cards.append(
                f'<div class="card"><h3>{name.replace("_", " ")}</h3>'
                f"{pictures.overlaid_chart(series, name)}<p>{meaning}</p></div>"
            )
    body = (
        f"<h1>{len(groups)} settings, {sum(len(g.runs) for g in groups)} runs</h1>"
        f'<p class="legend">{pictures.legend(g.name for g in groups)}</p>'
        "<table><tr><th>run</th><th>seeds</th><th>measured, mean ± standard deviation "
        f"over the seeds</th></tr>{cells}</table>"
        f'<h2>How they went</h2><div class="grid">{"".join(cards)}</div>'
    )
    write_text(path, page("Runs compared", body))


def _row(group):
    measured = []
    for result in group.results():
        spread = "" if result.std is None else f" ± {result.std:.4f}"
        measured.append(f"{result.title} {result.value:.4f}{spread}")
    return group.name, str(len(group.runs)), ", ".join(measured) or "nothing yet"


def _name(settings, differing):
    if not differing:
        return str(settings.get("method", "run"))
    return ", ".join(f"{name}={_short(settings.get(name))}" for name in differing)


def _short(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _spread(values):
    return float(np.mean(values)), float(np.std(values, ddof=1)) if values[1:] else 0.0

"""The report of a run: one HTML file to look at."""

import html
import json
import math

import numpy as np

from tfssl.files import write_text
from tfssl.pages import (
    maps,
    nearest,
    page,
    pictures,
    project,
    results_table,
    sample,
)

# Points of the map, and images whose views and whose neighbours are shown.
MAP_POINTS, SHOWN = 1000, 8

# What a person should know about each curve.
CURVES = {
    "loss": "Falls quickly, then slowly. Flat from the start: nothing is learned.",
    "contrastive_accuracy": "How often a view finds its partner among all other views.",
    "label_accuracy": "How often the images with a label get it, while it learns.",
    "knn_accuracy": "Test images classified by their nearest training images.",
    "feature_std": "Spread of the features; 0 is collapse, 1/sqrt(dim) the most.",
    "effective_rank": "Directions in which the features differ.",
    "learning_rate": "Warm-up, then a cosine.",
    "images_per_second": "Speed of the steps alone.",
}


def write_report(
    path,
    *,
    title,
    history=(),
    run=None,
    originals=None,
    original_names=None,
    views=None,
    mapped_images=None,
    mapped_features=None,
    mapped_labels=None,
    mapped_split="test",
    class_names=None,
    learned_labels=False,
    results=(),
    figures=(),
):
    """Writes the report of a pretraining run; what is not given is left out.

    Args:
        path: string or `pathlib.Path` of the HTML file; it refers to no other file.
        title: string.
        history: list of dicts of numbers, one an epoch, as in metrics.csv.
        run: dict as in run.json.
        originals: images `[n, height, width, 3]`, values in [0, 255].
        original_names: sequence of strings, the class of each of these.
        views: tuple of the views of these, each `[n, h, w, 3]`.
        mapped_images: images `[m, height, width, 3]` for the map and the neighbours.
        mapped_features: float array `[m, dim]` of these.
        mapped_labels: integer array `[m]` of these, -1 for those without one.
        mapped_split: string, the split that they are of. Defaults to "test".
        class_names: sequence of strings.
        learned_labels: bool, whether the run learned from labels too.
        results: list of `tfssl.transfer.Result`.
        figures: list of `(title, caption, rows)`, rows of pairs `(caption, image)`.

    Example:
        >>> import tempfile, tfssl
        >>> path = tempfile.mkdtemp() + "/report.html"
        >>> history = [{"epoch": 1, "loss": 5.0}, {"epoch": 2, "loss": 4.5}]
        >>> tfssl.runs.write_report(path, title="A run", history=history)
    """
    results = list(results)
    sections = [
        _head(title, history, run, results, learned_labels),
        _results(results),
        _curves(history),
        _views(originals, original_names, views),
        *(_figure(*figure) for figure in figures),
    ]
    # An encoder whose training failed gives features that have no place in a map.
    shown = mapped_features is not None and len(mapped_features) > SHOWN
    if shown and np.isfinite(mapped_features).all():
        # Of all classes, also where they come in order.
        rows = sample(mapped_labels, len(mapped_features), MAP_POINTS)
        images = np.asarray(mapped_images[rows])
        points = np.asarray(mapped_features[rows], "float32")
        labels = None if mapped_labels is None else np.asarray(mapped_labels)[rows]
        kind = "training" if mapped_split == "train" else mapped_split
        sections += [
            _map(kind, images, points, labels, class_names, learned_labels),
            _neighbours(kind, images, points, labels, class_names),
        ]
    sections.append(_how(run))
    body = "\n".join(filter(None, sections))
    write_text(path, page(title, body, style=maps.STYLE, script=maps.SCRIPT))


def _head(title, history, run, results, learned_labels):
    # What had few labels is in the chart.
    main = [result for result in results if result.std is None] or results
    numbers = [(result.title, f"{100 * result.value:.1f} %") for result in main]
    if history:
        last = history[-1]
        numbers.append(("epochs", last["epoch"]))
        knn = last.get("knn_accuracy", math.nan)
        if math.isfinite(knn) and "knn" not in dict(numbers):
            numbers.append(("kNN accuracy", f"{100 * knn:.1f} %"))
    if run and "num_images" in run.get("settings", {}):
        name = "images" if learned_labels else "images, no labels"
        numbers.append((name, f"{run['settings']['num_images']:,}"))
    boxes = "".join(
        f"<div><b>{html.escape(str(value))}</b><span>{html.escape(name)}</span></div>"
        for name, value in numbers
    )
    return f'<h1>{html.escape(title)}</h1><div class="numbers">{boxes}</div>'


def _results(results):
    if not results:
        return ""
    few = [
        (result.title, result.value, result.std)
        for result in results
        if result.std is not None
    ]
    chart = pictures.bar_chart(few) if len(few) > 1 else ""
    return f"<h2>What the encoder is worth</h2>{chart}{results_table(results)}"


def _curves(history):
    cards = []
    for name, meaning in CURVES.items():
        points = [(row["epoch"], row[name]) for row in history if name in row]
        if len(points) > 1:
            cards.append(
                f'<div class="card"><h3>{name.replace("_", " ")} '
                f"{pictures.number(points[-1][1])}</h3>"
                f"{pictures.line_chart(points, name)}<p>{meaning}</p></div>"
            )
    if not cards:
        return ""
    return f'<h2>How it went</h2><div class="grid">{"".join(cards)}</div>'


def _views(originals, names, views):
    if originals is None:
        return ""
    rows = []
    for i, image in enumerate(originals[:SHOWN]):
        name = "image" if names is None else names[i]
        cells = [pictures.picture(image, name, "first")]
        cells += [
            pictures.picture(view[i], f"view {number}")
            for number, view in enumerate(views or (), start=1)
        ]
        rows.append(f'<div class="row">{"".join(cells)}</div>')
    return (
        "<h2>What the model saw</h2><p class='soft'>An image and its views. Too alike, "
        "and there is nothing to learn; too different, and nothing of the image is "
        f"left.</p><div class='scroll grid'>{''.join(rows)}</div>"
    )


def _figure(title, caption, rows):
    body = "".join(
        '<div class="row">'
        + "".join(pictures.picture(image, label) for label, image in row)
        + "</div>"
        for row in rows
    )
    return (
        f"<h2>{html.escape(title)}</h2><p class='soft'>{html.escape(caption)}</p>"
        f"<div class='scroll'>{body}</div>"
    )


def _map(kind, images, features, labels, class_names, learned_labels):
    # Small images keep the file small.
    step = max(1, images.shape[1] // 32)
    small = images[:, ::step, ::step]
    told = "Images with similar features are near each other (t-SNE)."
    if not learned_labels:
        told += " The encoder never saw a label"
        told += "." if labels is None else "; the colours show them."
    if labels is not None:
        told += f" {maps.NAMES}"
    return (
        f"<h2>A map of {html.escape(kind)} images</h2><p class='soft'>{told}</p>"
        f"{maps.scatter(project(features), labels, class_names, small)}"
    )


def _neighbours(kind, images, features, labels, class_names):
    def shown(row, query):
        if labels is None:
            return images[row], "", None
        name = pictures.class_name(class_names, int(labels[row]))
        known = min(labels[row], labels[query]) >= 0
        return images[row], name, labels[row] == labels[query] if known else None

    found = nearest(features, range(SHOWN), SHOWN)
    rows = [[shown(i, q) for i in (q, *found[q])] for q in range(SHOWN)]
    frames = "" if labels is None else maps.FRAMES
    return (
        "<h2>Nearest neighbours</h2><p class='soft'>On the left an image, beside it "
        f"the {html.escape(kind)} images with the most similar features. {frames}</p>"
        f"{maps.neighbour_rows(rows)}"
    )


def _how(run):
    if not run:
        return ""
    text = html.escape(json.dumps(run, indent=2))
    return (
        "<h2>How it was run</h2><details><summary>All settings and versions</summary>"
        f"<pre>{text}</pre></details>"
    )

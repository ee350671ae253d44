"""Pictures and charts as self-contained HTML."""

import base64
import html
import io
import math

import numpy as np
from PIL import Image

# Distinguishable with the common colour-vision deficiencies (Okabe-Ito, then others).
PALETTE = (
    "#0072b2 #e69f00 #009e73 #d55e00 #cc79a7 #56b4e9 #8a7a00 #7b5fc0 #6b6b6b #a0522d"
).split()


def png(image):
    """Bytes of a PNG file of an image array `[h, w, 3]` with values in [0, 255]."""
    pixels = np.clip(np.round(np.asarray(image, "float32")), 0, 255).astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def data_url(image):
    """An image array `[h, w, 3]` with values in [0, 255], for a page."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def picture(image, label="", mark=""):
    """An image with its caption; `mark` is a CSS class for its frame."""
    caption = f"<figcaption>{html.escape(str(label))}</figcaption>" if label else ""
    return (
        f'<figure class="pic {mark}"><img src="{data_url(image)}" '
        f'alt="{html.escape(str(label))}">{caption}</figure>'
    )


def line_chart(points, title, width=300, height=150):
    """One curve over the epochs, with its last value written out.

    Args:
        points: list of `(epoch, value)`; values that are not finite are left out.
        title: string.

    Returns:
        SVG text.
    """
    points = [(x, y) for x, y in points if math.isfinite(y)]
    if not points:
        return ""
    left, right, top, bottom = 46, 10, 12, 22
    first, last = points[0][0], points[-1][0]
    low, high = min(y for _, y in points), max(y for _, y in points)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5

    def place(x, y):
        across = (x - first) / max(last - first, 1)
        up = (y - low) / (high - low)
        return (
            left + across * (width - left - right),
            height - bottom - up * (height - top - bottom),
        )

    path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
    dots = "".join(
        '<circle cx="{:.1f}" cy="{:.1f}" r="6" class="hit">'
        "<title>epoch {}: {}</title></circle>".format(*place(x, y), x, number(y))
        for x, y in points
    )
    end_x, end_y = place(*points[-1])
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(title)}">'
        f'<line class="axis" x1="{left}" y1="{height - bottom}" x2="{width - right}" '
        f'y2="{height - bottom}"/>'
        f'<text x="{left - 6}" y="{top + 4}" class="tick end">{number(high)}</text>'
        f'<text x="{left - 6}" y="{height - bottom}" class="tick end">{number(low)}'
        f'</text><text x="{left}" y="{height - 6}" class="tick">{first}</text>'
        f'<text x="{width - right}" y="{height - 6}" class="tick end">{last}</text>'
        f'<polyline class="curve" points="{path}"/>'
        f'<circle class="last" cx="{end_x:.1f}" cy="{end_y:.1f}" r="3.5"/>{dots}</svg>'
    )


def bar_chart(rows, width=560):
    """Horizontal bars with error bars: rows of `(label, value, std or None)` in [0, 1].

    Returns:
        SVG text.
    """
    line, left, right = 34, 90, 110
    span = width - left - right
    parts = []
    for row, (label, value, std) in enumerate(rows):
        y = row * line + 6
        length = span * min(max(value, 0), 1)
        parts.append(
            f'<text x="{left - 8}" y="{y + 15}" class="tick end">'
            f"{html.escape(label)}</text>"
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="22" rx="3" '
            f'fill="{PALETTE[row % len(PALETTE)]}"/>'
        )
        text = f"{100 * value:.1f} %"
        if std is not None:
            low, high = (left + span * min(max(value + s, 0), 1) for s in (-std, std))
            parts.append(
                f'<line class="error" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 11}" '
                f'y2="{y + 11}"/>'
            )
            text += f" ± {100 * std:.1f}"
            length = max(length, high - left)
        parts.append(
            f'<text x="{left + length + 8:.1f}" y="{y + 15}" class="tick">{text}</text>'
        )
    return (
        f'<svg class="wide" viewBox="0 0 {width} {line * len(rows) + 8}" role="img" '
        f'aria-label="few labels">{"".join(parts)}</svg>'
    )


def scatter(points, labels, class_names, images, size=560):
    """A 2-D map; hovering a point shows its image.

    Args:
        points: float array `[n, 2]`.
        labels: integer array `[n]` or None.
        class_names: sequence of strings, or None.
        images: array `[n, h, w, 3]`.

    Returns:
        HTML text.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    places = 12 + (points - low) / np.maximum(high - low, 1e-9) * (size - 24)
    circles = []
    for row, (x, y) in enumerate(places):
        kind = 0 if labels is None else int(labels[row])
        name = "" if labels is None else class_name(class_names, kind)
        circles.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" data-i="{row}" '
            f'fill="{PALETTE[kind % len(PALETTE)]}"><title>{html.escape(name)}</title>'
            "</circle>"
        )
    side = images.shape[2]
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = np.zeros((rows * images.shape[1], columns * side, 3), "float32")
    for i, image in enumerate(images):
        top, left = i // columns * image.shape[0], i % columns * side
        sheet[top : top + image.shape[0], left : left + side] = image
    kinds = [] if labels is None else np.unique(labels)
    names = legend({int(k): class_name(class_names, int(k)) for k in kinds})
    return (
        f'<div class="map" data-columns="{columns}" data-width="{side}" '
        f'data-height="{images.shape[1]}"><svg viewBox="0 0 {size} {size}">'
        f'{"".join(circles)}</svg><div class="lens" style="background-image:'
        f'url({data_url(sheet)})"></div><p class="legend">{names}</p></div>'
    )


def overlaid_chart(series, title, width=300, height=150):
    """Several curves over the epochs, each with its spread as a band.

    Args:
        series: list of `(name, points)`, points a list of `(epoch, mean, std)`; those
            that are not finite are left out.
        title: string.

    Returns:
        SVG text.
    """
    series = [
        (name, [p for p in points if math.isfinite(p[1])]) for name, points in series
    ]
    every = [point for _, points in series for point in points]
    if not every:
        return ""
    left, right, top, bottom = 46, 10, 12, 22
    first, last = min(x for x, _, _ in every), max(x for x, _, _ in every)
    low, high = min(y - s for _, y, s in every), max(y + s for _, y, s in every)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5

    def place(x, y):
        across = (x - first) / max(last - first, 1)
        up = (y - low) / (high - low)
        return (
            f"{left + across * (width - left - right):.1f},"
            f"{height - bottom - up * (height - top - bottom):.1f}"
        )

    curves = []
    for i, (name, points) in enumerate(series):
        colour = PALETTE[i % len(PALETTE)]
        above = [place(x, y + s) for x, y, s in points]
        below = [place(x, y - s) for x, y, s in reversed(points)]
        curves.append(
            f'<polygon points="{" ".join(above + below)}" fill="{colour}" '
            'fill-opacity=".15"/>'
            f'<polyline points="{" ".join(place(x, y) for x, y, _ in points)}" '
            f'fill="none" stroke="{colour}" stroke-width="2">'
            f"<title>{html.escape(name)}</title></polyline>"
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(title)}">'
        f'<line class="axis" x1="{left}" y1="{height - bottom}" x2="{width - right}" '
        f'y2="{height - bottom}"/>'
        f'<text x="{left - 6}" y="{top + 4}" class="tick end">{number(high)}</text>'
        f'<text x="{left - 6}" y="{height - bottom}" class="tick end">{number(low)}'
        f'</text><text x="{left}" y="{height - 6}" class="tick">{first}</text>'
        f'<text x="{width - right}" y="{height - 6}" class="tick end">{last}</text>'
        f"{''.join(curves)}</svg>"
    )


def legend(names):
    """Names with their colours, as HTML.

    Args:
        names: iterable of strings, in the order of the palette; or a dict of them by
            their number in it.
    """
    numbered = names if isinstance(names, dict) else dict(enumerate(names))
    return "".join(
        f'<span><i style="background:{PALETTE[i % len(PALETTE)]}"></i>'
        f"{html.escape(name)}</span>"
        for i, name in numbered.items()
    )


def class_name(class_names, label):
    """Name of a class, or its number."""
    return str(label) if class_names is None else str(class_names[label])


def number(value):
    """A number in at most five characters or so."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"

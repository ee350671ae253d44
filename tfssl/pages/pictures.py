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


def picture(image, label="", mark="", alt=None):
    """An image with its caption.

    Args:
        image: array `[h, w, 3]` with values in [0, 255], or its `data:` address.
        label: string, the caption. Defaults to none.
        mark: string, a CSS class for its frame. Defaults to none.
        alt: string, for those who do not see it. Defaults to the caption.

    Returns:
        HTML text.
    """
    source = image if isinstance(image, str) else data_url(image)
    alt = html.escape(str(label) if alt is None else alt)
    caption = f"<figcaption>{html.escape(str(label))}</figcaption>" if label else ""
    return (
        f'<figure class="pic {mark}"><img src="{source}" alt="{alt}">{caption}</figure>'
    )


def line_chart(points, title):
    """One curve over the epochs, with its last value marked.

    Args:
        points: list of `(epoch, value)`; values that are not finite are left out.
        title: string.

    Returns:
        SVG text.
    """
    points = [(x, y) for x, y in points if math.isfinite(y)]
    if not points:
        return ""
    chart = _Chart([x for x, _ in points], [y for _, y in points], title)
    dots = "".join(
        f'<circle {chart.centre(x, y)} r="6" class="hit">'
        f"<title>epoch {x}: {number(y)}</title></circle>"
        for x, y in points
    )
    return chart.svg(
        f'<polyline class="curve" points="{chart.path(points)}"/>'
        f'<circle class="last" {chart.centre(*points[-1])} r="3.5"/>{dots}'
    )


def overlaid_chart(series, title):
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
    edges = [y + sign * s for _, y, s in every for sign in (-1, 1)]
    chart = _Chart([x for x, _, _ in every], edges, title)
    curves = []
    for i, (name, points) in enumerate(series):
        colour = PALETTE[i % len(PALETTE)]
        band = [(x, y + s) for x, y, s in points]
        band += [(x, y - s) for x, y, s in reversed(points)]
        curves.append(
            f'<polygon points="{chart.path(band)}" fill="{colour}" '
            'fill-opacity=".15"/>'
            f'<polyline points="{chart.path([(x, y) for x, y, _ in points])}" '
            f'fill="none" stroke="{colour}" stroke-width="2">'
            f"<title>{html.escape(name)}</title></polyline>"
        )
    return chart.svg("".join(curves))


class _Chart:
    """The frame of a chart over the epochs, and where points lie in it."""

    width, height = 300, 150
    left, right, top, bottom = 46, 10, 12, 22

    def __init__(self, epochs, values, title):
        self.title = title
        self.first, self.last = min(epochs), max(epochs)
        self.low, self.high = min(values), max(values)
        if self.high - self.low < 1e-12:
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def place(self, x, y):
        across = (x - self.first) / max(self.last - self.first, 1)
        up = (y - self.low) / (self.high - self.low)
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.bottom - up * (self.height - self.top - self.bottom),
        )

    def path(self, points):
        return " ".join("{:.1f},{:.1f}".format(*self.place(x, y)) for x, y in points)

    def centre(self, x, y):
        return 'cx="{:.1f}" cy="{:.1f}"'.format(*self.place(x, y))

    def svg(self, content):
        left, right = self.left, self.width - self.right
        floor = self.height - self.bottom
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{html.escape(self.title)}">'
            f'<line class="axis" x1="{left}" y1="{floor}" x2="{right}" y2="{floor}"/>'
            f'<text x="{left - 6}" y="{self.top + 4}" class="tick end">'
            f'{number(self.high)}</text><text x="{left - 6}" y="{floor}" '
            f'class="tick end">{number(self.low)}</text>'
            f'<text x="{left}" y="{self.height - 6}" class="tick">{self.first}</text>'
            f'<text x="{right}" y="{self.height - 6}" class="tick end">{self.last}'
            f"</text>{content}</svg>"
        )


def bar_chart(rows, width=560):
    """Horizontal bars with error bars: rows of `(label, value, std or None)` in [0, 1].

    Returns:
        SVG text.
    """
    line, right = 34, 110
    # Letters are about 7 wide.
    left = 16 + 7 * max(len(label) for label, *_ in rows)
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


def legend(names):
    """Names with their colours, as HTML.

    Args:
        names: iterable of strings, in the order of the palette.
    """
    return "".join(
        f'<span><i style="background:{PALETTE[i % len(PALETTE)]}"></i>'
        f"{html.escape(name)}</span>"
        for i, name in enumerate(names)
    )


def class_name(class_names, label):
    """Name of a class, or its number; -1 is none."""
    if label < 0:
        return "no label"
    return str(label) if class_names is None else str(class_names[label])


def number(value):
    """A number in at most five characters or so."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"

"""Accuracy against the number of labels."""

import html
import math

from tfssl.pages.pictures import PALETTE

# What a chart in a file of its own looks like, on white and on black.
_STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #555b66 } .end { text-anchor: end }
.middle { text-anchor: middle } .axis { stroke: #d9dce3 }
@media (prefers-color-scheme: dark) { text { fill: #a8aeb9 } .axis { stroke: #444b57 } }
</style>"""
_LINE = 20  # height of a line of the legend
# Dashes and mark of each kind of curve.
_KINDS = (
    ("none", "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0"),  # circle
    ("6 4", "M-4,-4h8v8h-8z"),  # square
    ("2 4", "M0,-5L5,4H-5z"),  # triangle
    ("10 3 2 3", "M0,-5.5L5.5,0L0,5.5L-5.5,0z"),  # diamond
    ("12 4", "M-1.5,-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z"),  # cross
)


def label_chart(series, title, standalone=False):
    """A chart of accuracies over labels per class, on a logarithmic axis.

    Args:
        series: list of `(name, kind, points)`. Each name has its colour and each kind,
            such as a protocol, its dashes and marks. Points is a list of
            `(labels, accuracy, std)`: labels per class, None for all; an accuracy in
            [0, 1]; and its standard deviation or None.
        title: string, for those who do not see it.
        standalone: bool, whether it is a file of its own, such as an image of a README,
            and no part of a page. Defaults to False.

    Returns:
        SVG text; empty if there are no points.

    Example:
        >>> from tfssl.pages import label_chart
        >>> points = [(1, 0.42, 0.06), (25, 0.79, 0.01), (None, 0.88, None)]
        >>> label_chart([("mine", "linear", points)], "Few labels").count("<title>")
        3
    """
    series = [each for each in series if each[2]]
    if not series:
        return ""
    chart = _Frame(series)
    names = list(dict.fromkeys(name for name, _, _ in series))
    kinds = list(dict.fromkeys(kind for _, kind, _ in series))
    drawn = "".join(
        chart.curve(points, _colour(names, name), *_kind(kinds, kind), name, kind)
        for name, kind, points in series
    )
    legend, height = chart.legend(names, kinds)
    title = html.escape(title)
    start = f'viewBox="0 0 {chart.width} {height}" role="img" aria-label="{title}"'
    content = f"{chart.axes()}{drawn}{legend}</svg>\n"
    if standalone:
        return f'<svg xmlns="http://www.w3.org/2000/svg" {start}>{_STYLE}{content}'
    return f'<svg class="wide" {start}>{content}'


class _Frame:
    """The axes, and where points lie between them."""

    width, height = 640, 340
    left, right, top, bottom = 52, 24, 12, 46

    def __init__(self, series):
        points = [point for _, _, found in series for point in found]
        self.counts = sorted({labels for labels, _, _ in points if labels})
        self.has_all = any(labels is None for labels, _, _ in points)
        edges = [y + sign * (s or 0) for _, y, s in points for sign in (-1, 1)]
        self.low = max(0, math.floor(10 * min(edges)) / 10)
        self.high = min(1, math.ceil(10 * max(edges)) / 10)
        if self.high <= self.low:
            self.low = self.high - 0.1

    def across(self, labels):
        first = math.log(self.counts[0]) if self.counts else 0
        span = math.log(self.counts[-1]) - first if self.counts else 0
        # All labels have a place of their own, a step behind the largest number.
        step = span / max(len(self.counts) - 1, 1) or 1
        total = span + (step if self.has_all else 0) or 1
        at = span + step if labels is None else math.log(labels) - first
        if not self.counts:
            at = total / 2
        return self.left + 16 + at / total * (self.width - self.left - self.right - 32)

    def up(self, value):
        share = (value - self.low) / (self.high - self.low)
        return (
            self.height - self.bottom - share * (self.height - self.bottom - self.top)
        )

    def axes(self):
        parts = []
        for tenth in range(round(10 * self.low), round(10 * self.high) + 1):
            y = self.up(tenth / 10)
            parts.append(
                f'<line class="axis" x1="{self.left}" x2="{self.width - self.right}" '
                f'y1="{y:.1f}" y2="{y:.1f}"/><text class="tick end" '
                f'x="{self.left - 8}" y="{y + 4:.1f}">{10 * tenth} %</text>'
            )
        floor = self.height - self.bottom
        for labels in [*self.counts, *([None] if self.has_all else [])]:
            text = "all" if labels is None else f"{labels:,}"
            parts.append(
                f'<text class="tick middle" x="{self.across(labels):.1f}" '
                f'y="{floor + 18}">{text}</text>'
            )
        middle = (self.left + self.width - self.right) / 2
        parts.append(
            f'<text class="tick middle" x="{middle:.1f}" y="{floor + 38}">labels of '
            "each class</text>"
        )
        return "".join(parts)

    def curve(self, points, colour, dashes, mark, name, kind):
        points = sorted(points, key=lambda point: point[0] or math.inf)
        places = [(self.across(x), self.up(y)) for x, y, _ in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts = [
            f'<polyline points="{line}" fill="none" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dashes}"/>'
        ]
        for (x, _), (labels, y, std) in zip(places, points, strict=True):
            many = "all labels" if labels is None else f"{labels} labels per class"
            said = f"{name}, {kind}, {many}: {100 * y:.1f} %"
            if std:
                said += f" ± {100 * std:.1f}"
                low, high = self.up(max(y - std, 0)), self.up(min(y + std, 1))
                parts.append(
                    f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" '
                    f'stroke="{colour}" stroke-width="1.5"/>'
                )
            parts.append(
                f'<path transform="translate({x:.1f} {self.up(y):.1f})" d="{mark}" '
                f'fill="{colour}"><title>{html.escape(said)}</title></path>'
            )
        return "".join(parts)

    def legend(self, names, kinds):
        """Names on the left, kinds on the right; and where the chart ends."""
        # Grey is seen on any background.
        columns = (
            (self.left, [(name, _colour(names, name), "none", "") for name in names]),
            (self.width * 0.62, [(x, "#808080", *_kind(kinds, x)) for x in kinds]),
        )
        parts = []
        for left, rows in columns:
            for row, (text, colour, dashes, mark) in enumerate(rows):
                y = self.height + 10 + row * _LINE
                parts.append(
                    f'<line x1="{left}" x2="{left + 36}" y1="{y - 4}" y2="{y - 4}" '
                    f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
                    f'<path transform="translate({left + 18} {y - 4})" d="{mark}" '
                    f'fill="{colour}"/><text class="tick" x="{left + 46}" y="{y}">'
                    f"{html.escape(text)}</text>"
                )
        return "".join(parts), self.height + 10 + _LINE * max(len(names), len(kinds))


def _colour(names, name):
    return PALETTE[names.index(name) % len(PALETTE)]


def _kind(kinds, kind):
    return _KINDS[kinds.index(kind) % len(_KINDS)]

"""What the encoders of a zoo are worth, as Markdown."""

from tfssl.zoo.published import FEW

_FACTS = (
    ("encoder", "method", "network", "trained on", "weights", "file", "epochs")
    + ("device", "commit")
    + ("kNN", "linear")
)


def markdown_tables(encoders):
    """Two tables: one of all encoders, and one of their accuracy with few labels.

    Args:
        encoders: list of `tfssl.zoo.published.Published`.

    Returns:
        String. A cell is empty if nobody measured it, or wrote it down.

    Example:
        >>> from tfssl.zoo.published import Published
        >>> from tfssl.zoo.table import markdown_tables
        >>> print(markdown_tables([Published("a", {"method": "simclr"}, {})]))
        | encoder | method | network | trained on | weights | file | epochs | device \
| commit | kNN | linear |
        |---|---|---|---|---|---|---|---|---|---|---|
        | `a` | simclr |  |  |  |  |  |  |  |  |  |
    """
    tables = [_table(_FACTS, map(_facts, encoders))]
    counts = sorted({count for encoder in encoders for count in encoder.counts()})
    rows = [row for encoder in encoders for row in _few(encoder, counts)]
    if rows:
        heads = ("encoder", "labels of each class:", *(f"{n:,}" for n in counts), "all")
        tables.append(_table(heads, rows))
    return "\n\n".join(tables)


def _facts(encoder):
    return (
        f"`{encoder.name}`",
        encoder.text("method"),
        encoder.network,
        encoder.dataset,
        _scaled(encoder.number("parameters"), 1e6, "M", 2),
        _scaled(encoder.size, 1e6, "MB"),
        encoder.text("epochs"),
        encoder.text("device"),
        encoder.text("commit"),
        *(_accuracy(encoder.measured(protocol)) for protocol in ("knn", "linear")),
    )


def _few(encoder, counts):
    """Rows of the protocols that it was measured by."""
    for protocol, whole in FEW.items():
        results = [encoder.measured(protocol, count) for count in counts]
        if any(results):
            results.append(encoder.measured(whole) if whole else None)
            yield f"`{encoder.name}`", protocol, *map(_accuracy, results)


def _accuracy(result):
    if result is None:
        return ""
    spread = "" if result.std is None else f" ± {result.std:.3f}"
    return f"{result.value:.3f}{spread}"


def _scaled(value, unit, name, digits=1):
    return "" if value is None else f"{value / unit:.{digits}f} {name}"


def _table(heads, rows):
    lines = [heads, *rows]
    text = ["| " + " | ".join(map(_plain, line)) + " |" for line in lines]
    text.insert(1, "|---" * len(heads) + "|")
    return "\n".join(text)


def _plain(cell):
    # A bar or a line break would end the cell.
    return " ".join(cell.replace("|", "\\|").split())

"""The page of a zoo: what there is, what it is worth, and the line that loads it."""

import html

import numpy as np

from tfssl.files import write_text
from tfssl.pages import (
    Column,
    label_chart,
    maps,
    page,
    results_table,
    search_box,
    sortable_table,
    tables,
)
from tfssl.zoo.examples_file import SCALE
from tfssl.zoo.index import PAGE, folder_to_write
from tfssl.zoo.official_entries import OFFICIAL
from tfssl.zoo.published import curves, published, without_kind
from tfssl.zoo.shelf import held

# Nothing is asked of anybody, not even an icon.
_HEAD = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
    '<link rel="icon" href="data:,">\n'
)
_STYLE = """\
main { max-width: 1280px }
.said { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden;
  clip-path: inset(50%) }
.copy { font: inherit; font-size: .85rem; color: var(--ink); background: var(--paper);
  border: 1px solid var(--soft); border-radius: 6px; padding: 4px 12px;
  cursor: pointer; min-width: 5.6em; white-space: nowrap }
.copy:hover { border-color: var(--accent) }
a { color: var(--accent) }
article { border-top: 1px solid var(--line); margin-top: 2.4em; padding-top: .4em }
article h3 { margin: 1em 0 .3em; overflow-wrap: anywhere }
.snippet { position: relative } .snippet .copy { position: absolute; top: 10px;
  right: 10px } .snippet pre { padding-right: 120px }
.limit { color: var(--ink); border: 1px solid var(--soft); border-radius: 5px;
  padding: 0 6px; font-size: .85em; white-space: nowrap }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px;
  margin: 1em 0; font-size: .9rem } .facts dt { color: var(--soft) }
.facts dd { margin: 0; overflow-wrap: anywhere }
summary { cursor: pointer } details .scroll { margin-top: .6em }
details table { min-width: 600px }
.shown { display: grid; gap: 0 36px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)) }
.chart svg { min-width: 520px; max-width: 760px }
@media (max-width: 600px) { main { padding: 24px 14px 60px }
  .snippet pre { padding: 48px 14px 14px } }
"""
_SCRIPT = """\
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not allowed, or not there: pages from a folder, older browsers.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  const done = await copied(button.dataset.text);
  button.focus();
  document.getElementById("said").textContent =
    button.textContent = done ? "Copied" : "Not allowed";
  setTimeout(() => { button.textContent = "Copy" }, 1500);
});
"""
_CODE = Column("Code", sorts=False)
_COLUMNS = [
    Column("Name"),
    _CODE,
    Column("kNN", numeric=True),
    Column("Linear", numeric=True),
    Column("Method"),
    Column("Network"),
    Column("Trained on"),
    Column("Epochs", numeric=True),
    Column("Parameters", numeric=True),
    Column("Size", numeric=True),
    Column("Licence"),
]
_OFFICIAL_COLUMNS = [
    Column("Name"),
    _CODE,
    Column("Linear", numeric=True),
    Column("Method"),
    Column("Network"),
    Column("Epochs", numeric=True),
    Column("Licence"),
    Column("Known checksum"),
]


def write_page(zoo="zoo"):
    """Writes the page of a zoo, `index.html`: one file that refers to no other.

    It has a table of the encoders that can be sorted and searched, what was measured of
    each, and the lines that load it; and the official weights. `publish` does this.

    Args:
        zoo: folder of the zoo.

    Returns:
        `pathlib.Path` of the page.

    Raises:
        tfssl.zoo.ZooError: if there is no zoo, or its index cannot be read.

    Example:
        >>> import tempfile, keras, tfssl
        >>> zoo = tempfile.mkdtemp()
        >>> image = keras.Input((16, 16, 3))
        >>> mean = keras.layers.GlobalAveragePooling2D()(image)
        >>> encoder = keras.Model(image, mean)
        >>> card = {"method": "simclr", "dataset": "digits"}
        >>> folder = tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        >>> "tfssl.zoo.load" in tfssl.zoo.write_page(zoo).read_text()
        True
    """
    zoo = folder_to_write(zoo)
    # What is published from now on has its page written after this one.
    with held(zoo):
        write_text(zoo / PAGE, page_of(published(zoo)))
    return zoo / PAGE


def page_of(encoders):
    """The page of encoders, as HTML text.

    Args:
        encoders: list of `Published`.
    """
    parts = [
        "<h1>Pretrained encoders</h1>"
        "<p>Each is a Keras model from images to features, and loads in one line. The "
        "names are those of the zoo that comes with tfssl; those of another one load "
        "with <code>source=</code>, its folder or address.</p>"
        '<p id="said" class="said" role="status"></p>',
        search_box("Search name, method, licence", ["own", "official"]),
        sortable_table("own", "Encoders", _COLUMNS, list(map(_row, encoders))),
        "<p class='soft'>Accuracy on test images: kNN, and a linear classifier on "
        "frozen features with all labels. An empty cell was not measured.</p>",
        _charts(encoders),
        "<h2>Official weights</h2><p>What the authors of methods published; it is "
        "fetched from them, checked and converted. Accuracies are the authors' own, of "
        "a linear classifier on ImageNet.</p>",
        sortable_table(
            "official",
            "Official weights",
            _OFFICIAL_COLUMNS,
            [_official_row(*each) for each in sorted(OFFICIAL.items())],
        ),
        f"<h2>Each encoder</h2>{''.join(map(_article, encoders))}" if encoders else "",
    ]
    return page(
        "Pretrained encoders",
        "\n".join(filter(None, parts)),
        head=_HEAD,
        style=tables.STYLE + maps.STYLE + _STYLE,
        script=tables.SCRIPT + maps.SCRIPT + _SCRIPT,
    )


def _charts(encoders):
    """Accuracy against labels, a chart for each data set."""
    charts = [
        f"<h3>{html.escape(dataset)}</h3><div class='scroll chart'>"
        + label_chart(series, f"Accuracy with few labels: {dataset}")
        + "</div>"
        for dataset, series in curves(encoders).items()
    ]
    if not charts:
        return ""
    return (
        f"<h2>With few labels</h2>{''.join(charts)}<p class='soft'>The lines up and "
        "down are the standard deviation over draws of the labels.</p>"
    )


def _row(encoder):
    name, size = html.escape(encoder.name), encoder.size
    parameters = encoder.number("parameters")
    return [
        (f'<a href="#encoder-{name}">{_breakable(name)}</a>', encoder.name),
        (_copy_button(_load(encoder.name), encoder.name), None),
        *(_accuracy(encoder.measured(protocol)) for protocol in ("knn", "linear")),
        _text(encoder.text("method")),
        _text(encoder.network),
        _text(encoder.dataset),
        _number(encoder.number("epochs"), "{:,}"),
        _number(parameters, "{:.1f} M", 1e6),
        _number(size, "{:.1f} MB", 1e6),
        _text(encoder.text("licence")),
    ]


def _official_row(name, entry):
    licence, key = _text(entry.licence)
    if entry.noncommercial:
        licence += ' <span class="limit">non-commercial</span>'
    return [
        (f'<a href="{html.escape(entry.home)}">{_breakable(name)}</a>', name),
        (_copy_button(_load(name), name), None),
        _number(100 * entry.linear, "{:.1f} %"),
        _text(entry.method),
        _text(entry.architecture),
        _number(entry.epochs, "{:,}"),
        (licence, key),
        _text(entry.summary()["known_checksum"]),
    ]


def _article(encoder):
    size = ", ".join(map(str, encoder.input_size)) or "height, width"
    dim = encoder.number("feature_dim") or "dim"
    code = (
        f"import tfssl\n\n{_load(encoder.name)}\n"
        f"# [n, {size}, 3], values in [0, 255] -> [n, {dim}]\n"
        "features = encoder(images)"
    )
    facts = {
        "Batch size": encoder.text("batch_size"),
        "Seed": encoder.text("seed"),
        "Device": encoder.text("device"),
        "Commit": encoder.text("commit"),
        "Data": encoder.text("data_licence"),
        "sha256": encoder.files.get("encoder.keras", {}).get("sha256", ""),
    }
    listed = "".join(
        f"<dt>{key}</dt><dd>{html.escape(value)}</dd>"
        for key, value in facts.items()
        if value
    )
    table = (
        "<details><summary>What was measured, and how</summary><div class='scroll'>"
        f"{results_table(encoder.results)}</div></details>"
        if encoder.results
        else ""
    )
    return (
        f'<article id="encoder-{html.escape(encoder.name)}">'
        f"<h3>{_breakable(html.escape(encoder.name))}</h3>"
        f"<p>{html.escape(encoder.text('description'))}</p>"
        f'<div class="snippet"><pre><code>{html.escape(code)}</code></pre>'
        f"{_copy_button(code, encoder.name)}</div>"
        f'<dl class="facts">{listed}</dl>{table}{_shown(encoder.examples)}</article>'
    )


def _shown(examples):
    """A map of images, and the neighbours of some; "" without examples."""
    if examples is None:
        return ""
    count, total = len(examples.points), f"{examples.total:,}"
    images = html.escape(f"{examples.split} images of {without_kind(examples.dataset)}")
    points = np.asarray(examples.points) / SCALE
    drawn, frames = "drawn at random", ""
    if examples.labels is not None:
        drawn += ", of all classes alike"
        same = [
            examples.labels[row] == examples.labels[query]
            for query, *others in examples.neighbours
            for row in others
        ]
        frames = f"{maps.FRAMES} {sum(same)} of the {len(same)} are of the same."
    return (
        '<div class="shown"><details open><summary>A map of images</summary>'
        f'<p class="soft">{count} of {total} {images}, {drawn}. Images with similar '
        f"features are near each other (t-SNE). {maps.NAMES if frames else ''}</p>"
        f"{maps.scatter(points, examples.labels, examples.classes)}</details>"
        "<details open><summary>Nearest neighbours</summary>"
        '<p class="soft">An image on the left, and those of the map with the most '
        f"similar features; none was chosen by hand. {frames}</p>"
        f"{maps.neighbour_rows(_neighbours(examples))}</details></div>"
    )


def _neighbours(examples):
    """The rows as `maps.neighbour_rows` takes them."""

    def shown(row, query):
        image = f"data:image/webp;base64,{examples.thumbnails[row]}"
        if examples.labels is None:
            return image, "", None
        label = examples.labels[row]
        return image, examples.classes[label], label == examples.labels[query]

    return [[shown(row, each[0]) for row in each] for each in examples.neighbours]


def _load(name):
    return f'encoder = tfssl.zoo.load("{name}")'


def _copy_button(text, name):
    label = html.escape(f"Copy the line that loads {name}")
    return (
        f'<button type="button" class="copy" data-text="{html.escape(text)}" '
        f'aria-label="{label}">Copy</button>'
    )


def _breakable(name):
    return name.replace("_", "_<wbr>")


def _text(value):
    return html.escape(value), value or None


def _number(value, form, unit=None):
    if value is None:
        return "", None
    return form.format(value / unit if unit else value), value


def _accuracy(result):
    return ("", None) if result is None else _number(100 * result.value, "{:.1f} %")

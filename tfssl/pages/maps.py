"""A map of images by their features, and rows of those that are most similar."""

import html
import math

import numpy as np

from tfssl.pages.pictures import PALETTE, class_name, data_url, picture

SIZE = 560
# More names than these help nobody.
_MOST_NAMES = 100
_NO_LABEL = "#9994"
# Marks of classes, about 8 wide, from their centre. Of seven marks and ten colours,
# seventy classes have a pair of their own.
_MARKS = (
    "m-4 0a4 4 0 108 0 4 4 0 10-8 0",
    "m-3.5-3.5h7v7h-7z",
    "m0-5 4.6 8h-9.2z",
    "m0-5 5 5-5 5-5-5z",
    "m0 5 4.6-8h-9.2z",
    "m-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
    "m0-2.2 2.6-2.6 2.2 2.2-2.6 2.6 2.6 2.6-2.2 2.2-2.6-2.6-2.6 2.6-2.2-2.2 2.6-2.6"
    "-2.6-2.6 2.2-2.2z",
)

# What the names under `scatter` do.
NAMES = "Point at a name, or press it, to see its class alone."
# What the frames of `neighbour_rows` mean.
FRAMES = "A green frame: the same class; dashed orange: another."

STYLE = """\
.map { position: relative; max-width: 640px }
.map > svg { background: var(--card); border: 1px solid var(--line);
  border-radius: 10px }
.map svg path { stroke: var(--ink); stroke-width: .6; stroke-opacity: .75 }
.map g { transition: opacity .15s } .map g.faint { opacity: .1 }
@media (prefers-reduced-motion) { .map g { transition: none } }
.map path[data-i]:hover { stroke-width: 2 }
.lens { position: absolute; display: none; pointer-events: none; border-radius: 6px;
  border: 2px solid var(--ink); image-rendering: pixelated; z-index: 1 }
.names { display: flex; flex-wrap: wrap; gap: 4px; margin: 8px 0 }
.names button { font: inherit; font-size: .85rem; line-height: 1.3; color: inherit;
  background: none; border: 1px solid transparent; border-radius: 6px;
  padding: 4px 8px 4px 4px; cursor: pointer; display: inline-flex;
  align-items: center; overflow-wrap: anywhere }
.names button:hover { border-color: var(--soft) }
.names [aria-pressed=true] { border-color: var(--ink); background: var(--card) }
.names svg { width: 1.1em; flex: none; margin-right: 5px }
.nearest .pic { flex: 1 1 0; min-width: 0; max-width: 84px }
.nearest .first { margin-right: 2% } .nearest .bad img { border-style: dashed }
"""

# A name shows where its class is: as long as it is pointed at, or once it is pressed.
SCRIPT = """\
for (const map of document.querySelectorAll(".map")) {
  const groups = map.querySelectorAll("g[data-kind]");
  const names = [...map.querySelectorAll("button[data-kind]")];
  const show = (name) => groups.forEach((group) => group.classList.toggle(
    "faint", Boolean(name) && group.dataset.kind !== name.dataset.kind));
  const pressed = () => names.find((name) => name.ariaPressed === "true");
  map.addEventListener("click", (event) => {
    const kind = event.target.closest("[data-kind]")?.dataset.kind;
    for (const name of names) name.ariaPressed =
      String(name.dataset.kind === kind && name.ariaPressed !== "true");
    show(pressed());
  });
  for (const name of names) {
    name.addEventListener("mouseenter", () => show(name));
    name.addEventListener("mouseleave", () => show(pressed()));
  }
  const lens = map.querySelector(".lens"), d = map.dataset;
  if (!lens) continue;
  const zoom = Math.max(1, Math.round(96 / d.width));
  lens.style.width = d.width * zoom + "px";
  lens.style.height = d.height * zoom + "px";
  lens.style.backgroundSize = d.columns * d.width * zoom + "px auto";
  map.addEventListener("mousemove", (event) => {
    const i = event.target.dataset && event.target.dataset.i;
    lens.style.display = i === undefined ? "none" : "block";
    if (i === undefined) return;
    const x = -(i % d.columns) * d.width * zoom;
    const y = -Math.floor(i / d.columns) * d.height * zoom;
    lens.style.backgroundPosition = x + "px " + y + "px";
    const box = map.getBoundingClientRect();
    lens.style.left = event.clientX - box.left + 14 + "px";
    lens.style.top = event.clientY - box.top + 14 + "px";
  });
}
"""


def scatter(points, labels=None, class_names=None, images=None):
    """A 2-D map with a mark for each image, in a page that has `STYLE` and `SCRIPT`.

    A class has a mark and a colour. Its name under the map is a button that shows where
    it is.

    Args:
        points: float array `[n, 2]`, in [0, 1], as `project` gives them.
        labels: integer array `[n]`, -1 for images without one; or None: all have the
            same mark.
        class_names: sequence of strings, or None for the numbers themselves.
        images: array `[n, h, w, 3]`, values in [0, 255], that are seen where a mark is
            pointed at; or None.

    Returns:
        HTML text.

    Example:
        >>> import numpy as np
        >>> from tfssl.pages.maps import scatter
        >>> points = np.array([[0, 0], [1, 1]])
        >>> "1 cat, 1 dog" in scatter(points, [0, 1], ["cat", "dog"])
        True
    """
    places = np.round(12 + np.asarray(points) * (SIZE - 24), 1)
    kinds = np.zeros(len(places), int) if labels is None else np.asarray(labels)
    present = {int(kind): np.flatnonzero(kinds == kind) for kind in np.unique(kinds)}
    names = {
        kind: "" if labels is None else class_name(class_names, kind)
        for kind in present
    }
    groups = "".join(
        f'<g data-kind="{kind}" fill="{_colour(kind)}">'
        f"{_title(names[kind])}{_marks(kind, rows, places, images is not None)}</g>"
        for kind, rows in present.items()
    )
    told = f"A mark for each of {len(places)} images"
    listed = labels is not None and len(names) <= _MOST_NAMES
    if listed:
        counts = (f"{len(rows)} {names[kind]}" for kind, rows in present.items())
        told += f": {', '.join(counts)}"
    lens, facts = ("", "") if images is None else _lens(images)
    return (
        f'<div class="map"{facts}><svg viewBox="0 0 {SIZE} {SIZE}" role="img">'
        f"<title>A map of images</title><desc>{html.escape(told)}.</desc>"
        f"{groups}</svg>{lens}{_legend(names) if listed else ''}</div>"
    )


def neighbour_rows(rows):
    """Rows of pictures: an image, and those that are most similar.

    Args:
        rows: list of lists of triples, the image itself first: a picture, as `picture`
            takes it; the name of its class, or ""; and whether that is the class of the
            first one, or None.

    Returns:
        HTML text, for a page that has `STYLE`.
    """
    return f'<div class="nearest">{"".join(map(_row, rows))}</div>'


def _row(row):
    (image, name, _), *others = row
    cells = [picture(image, name, "first", alt=name or "an image")]
    for number, (other, its_name, same) in enumerate(others, start=1):
        mark = "" if same is None else "good" if same else "bad"
        said = f"neighbour {number}"
        if same is not None:
            said += f": {its_name}, {'the same' if same else 'another'} class"
        cells.append(picture(other, its_name, mark, alt=said))
    return f'<div class="row">{"".join(cells)}</div>'


def _colour(kind):
    return PALETTE[kind % len(PALETTE)] if kind >= 0 else _NO_LABEL


def _mark(kind):
    return _MARKS[kind % len(_MARKS)]


def _title(name):
    return f"<title>{html.escape(name)}</title>" if name else ""


def _marks(kind, rows, places, single):
    """The marks of a class: one path, or one for each image that knows its number."""
    drawn = [f"M{places[row][0]:g} {places[row][1]:g}{_mark(kind)}" for row in rows]
    if not single:
        return f'<path d="{"".join(drawn)}"/>'
    return "".join(
        f'<path data-i="{row}" d="{path}"/>'
        for row, path in zip(rows, drawn, strict=True)
    )


def _legend(names):
    buttons = "".join(
        f'<button type="button" aria-pressed="false" data-kind="{kind}">'
        f'<svg viewBox="-6 -6 12 12" aria-hidden="true"><path fill="{_colour(kind)}" '
        f'd="M0 0{_mark(kind)}"/></svg>{html.escape(name)}</button>'
        for kind, name in names.items()
    )
    return (
        '<div class="names" role="group" aria-label="Show where a class is">'
        f"{buttons}</div>"
    )


def _lens(images):
    """All images in one, of which the script shows a part; and where each is in it."""
    height, width = images.shape[1:3]
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = np.zeros((rows * height, columns * width, 3), "float32")
    for i, image in enumerate(images):
        top, left = i // columns * height, i % columns * width
        sheet[top : top + height, left : left + width] = image
    lens = f'<div class="lens" style="background-image:url({data_url(sheet)})"></div>'
    facts = f' data-columns="{columns}" data-width="{width}" data-height="{height}"'
    return lens, facts

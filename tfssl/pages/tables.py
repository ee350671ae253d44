"""Tables of a page that are sorted by a click on a heading, and searched."""

import dataclasses
import html

STYLE = """\
.search { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center;
  margin: 20px 0 8px }
.search input { font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--soft); border-radius: 8px; padding: 8px 12px;
  width: 100%; max-width: 340px }
.search input::placeholder { color: var(--soft); opacity: 1 }
.search output { color: var(--soft); font-size: .85rem }
.wide-table { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card) }
.sortable th, .sortable td { padding: 8px 10px; vertical-align: middle }
.sortable td { white-space: nowrap }
.sortable tbody tr:last-child > * { border-bottom: 0 }
.sortable .num { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums }
.sortable td.num { font-weight: inherit }
.sortable th[scope=row] { font-weight: 600; position: sticky; left: 0;
  background: var(--card); min-width: 12em }
.sortable thead th { padding: 2px 0; white-space: nowrap }
.sortable thead th:not(:has(button)) { padding: 2px 10px }
.sortable thead button { font: inherit; font-weight: 600; color: inherit;
  background: none; border: 0; border-radius: 6px; padding: 8px 10px;
  cursor: pointer; width: 100%; text-align: inherit }
.sortable thead button:hover { background: var(--line) }
.sortable thead button::after { content: "\\2195"; color: var(--soft);
  margin-left: 5px; font-size: .85em }
.sortable [aria-sort=ascending] button::after { content: "\\2191"; color: inherit }
.sortable [aria-sort=descending] button::after { content: "\\2193"; color: inherit }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
@media (max-width: 600px) { .sortable th[scope=row] { min-width: 8em;
  max-width: 9em } }
"""

# A first click brings the largest numbers to the top, or the first letters; a second
# one turns the order round. Empty cells are always at the end.
SCRIPT = """\
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const compare = (a, b, numeric) =>
    numeric ? a - b : a.localeCompare(b, "en", {numeric: true});
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener(
    "click", () => {
      const numeric = head.classList.contains("num");
      const now = head.getAttribute("aria-sort");
      const down = now === null ? numeric : now === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key;
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a), y = key(b);
        if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1);
        return down ? compare(y, x, numeric) : compare(x, y, numeric);
      });
      body.append(...rows);
    }));
}
for (const box of document.querySelectorAll(".search")) {
  const rows = box.dataset.tables.split(" ").flatMap(
    (id) => [...document.getElementById(id).tBodies[0].rows]);
  const texts = new Map(rows.map((row) => [row, [...row.cells].filter(
    (cell) => !cell.querySelector("button")).map((cell) => cell.textContent)
    .join(" ").toLowerCase()]));
  box.querySelector("input").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\\s+/);
    let found = 0;
    for (const [row, text] of texts) {
      row.hidden = !words.every((word) => text.includes(word));
      found += !row.hidden;
    }
    box.querySelector("output").textContent = found + " of " + rows.length;
  });
}
"""


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: string.
        numeric: bool, whether it holds numbers. Defaults to False.
        sorts: bool, whether its heading sorts the table. Defaults to True.
    """

    title: str
    numeric: bool = False
    sorts: bool = True


def sortable_table(id, caption, columns, rows):
    """A table whose columns sort it, with a page that has `STYLE` and `SCRIPT`.

    Args:
        id: string, a name for it in its page.
        caption: string, for those who do not see it.
        columns: list of `Column`; the first one names its row.
        rows: list of rows, one cell for each column: a pair of its HTML and of the
            number or string that it is sorted by. None sorts to the end.

    Returns:
        HTML text.

    Example:
        >>> from tfssl.pages import Column, sortable_table
        >>> columns = [Column("name"), Column("kNN", numeric=True)]
        >>> rows = [[("a", "a"), ("50 %", 0.5)]]
        >>> table = sortable_table("all", "Encoders", columns, rows)
        >>> '<td class="num" data-key="0.5">50 %</td>' in table
        True
    """
    heads = "".join(f'<th scope="col"{_class(c)}>{_button(c)}</th>' for c in columns)
    body = "".join(
        f"<tr>{''.join(map(_cell, range(len(columns)), columns, row))}</tr>"
        for row in rows
    )
    name = html.escape(caption)
    return (
        f'<div class="wide-table" role="region" aria-label="{name}" tabindex="0">'
        f'<table class="sortable" id="{id}" aria-label="{name}"><thead><tr>{heads}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def search_box(label, tables):
    """A field that hides the rows of tables in which a word of it is missing.

    Args:
        label: string.
        tables: list of the ids of the tables.

    Returns:
        HTML text.
    """
    return (
        f'<div class="search" data-tables="{" ".join(tables)}"><input type="search" '
        f'aria-label="{html.escape(label)}" placeholder="{html.escape(label)}">'
        "<output></output></div>"
    )


def _class(column):
    return ' class="num"' if column.numeric else ""


def _button(column):
    title = html.escape(column.title)
    return f'<button type="button">{title}</button>' if column.sorts else title


def _cell(number, column, cell):
    content, key = cell
    key = "" if key is None else f' data-key="{html.escape(str(key))}"'
    tag, scope = ("th", ' scope="row"') if number == 0 else ("td", "")
    return f"<{tag}{scope}{_class(column)}{key}>{content}</{tag}>"

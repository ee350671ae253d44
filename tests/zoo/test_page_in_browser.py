"""The zoo's page as people use it, in Chromium.

Without Chromium it is skipped; where TFSSL_NEEDS_CHROMIUM is set, as in .ci/run, that
is a failure.
"""

import os
from pathlib import Path

import chromium
import pytest

PAGE = Path(__file__).parents[2] / "zoo" / "index.html"
DESKTOP, PHONE = 1280, 390
OWN, OFFICIAL = "#own", "#official"

# Names of the rows that are seen, from the top.
NAMES = """[...document.querySelectorAll("{table} tbody tr")]
  .filter((row) => row.checkVisibility()).map((row) => row.cells[0].textContent)"""
# The cells of a column, in the order of the rows.
CELLS = """(() => {{ const table = document.querySelector("{table}");
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const column = heads.indexOf("{title}");
  return [...table.tBodies[0].rows].map((row) => row.cells[column].textContent)
}})()"""
CLICK = """[...document.querySelectorAll("{table} thead button")]
  .find((button) => button.textContent === "{title}").click()"""
SORTED = """[...document.querySelectorAll("{table} [aria-sort]")]
  .map((head) => head.textContent + " " + head.ariaSort)"""
# What is said once the line is copied.
COPY = """new Promise((done) => {{ const said = document.getElementById("said");
  new MutationObserver(() => said.textContent && done(said.textContent))
    .observe(said, {{childList: true}});
  document.querySelector("{place} .copy").click() }})"""

# Each text that is seen, with its contrast to what is behind it, and what WCAG 2.2 asks
# for at its size (AA).
CONTRAST = """(() => {
  const rgba = (text) => { const x = text.match(/[\\d.]+/g).map(Number);
    return x.length > 3 ? x : [...x, 1] };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3]));
  const light = (c) => c.slice(0, 3).map((x) => (x /= 255) <= 0.04045 ? x / 12.92 :
    ((x + 0.055) / 1.055) ** 2.4).reduce((s, x, i) => s + [.2126, .7152, .0722][i] * x,
    0);
  const known = new Map([[null, [255, 255, 255]]]);
  const behind = (e) => { if (!known.has(e)) known.set(e,
      over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)));
    return known.get(e) };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node; node = walk.nextNode();) {
    const e = node.parentElement;
    if (!node.textContent.trim() || !e.checkVisibility()) continue;
    if (["SCRIPT", "STYLE", "title", "OPTION"].includes(e.tagName)) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const ink = rgba(e.closest("svg") ? style.fill : style.color), back = behind(e);
    const [x, y] = [light(over(ink, back)), light(back)].sort((a, b) => b - a);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    found.push({text: node.textContent.trim().slice(0, 40),
      contrast: (x + .05) / (y + .05), asked: large ? 3 : 4.5});
  }
  return found })()"""


def found():
    """Path of the program; without it the test ends here."""
    program = chromium.find()
    if program is None:
        reason = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("TFSSL_NEEDS_CHROMIUM"):
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = found()
    started = chromium.Browser(program, tmp_path_factory.mktemp("profile"))
    started.call(
        "Browser.grantPermissions",
        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
    )
    yield started
    started.close()


@pytest.fixture
def page(browser):
    browser.open(PAGE)
    yield browser
    assert browser.errors() == []


def names(page, table=OWN):
    return page.run(NAMES.format(table=table))


def click(page, title, table=OWN):
    page.run(CLICK.format(table=table, title=title))
    return page.run(SORTED.format(table=table))


def test_a_heading_sorts_and_says_so(page):
    assert page.run(SORTED.format(table=OWN)) == []
    values = page.run(CELLS.format(table=OWN, title="kNN"))
    assert click(page, "kNN") == ["kNN descending"]
    sizes = sorted(values, key=lambda text: float(text.rstrip(" %")))
    assert page.run(CELLS.format(table=OWN, title="kNN")) == sizes[::-1]
    assert click(page, "kNN") == ["kNN ascending"]
    assert page.run(CELLS.format(table=OWN, title="kNN")) == sizes
    assert click(page, "Name") == ["Name ascending"]
    assert names(page) == sorted(names(page))
    assert click(page, "Name") == ["Name descending"]
    assert names(page) == sorted(names(page), reverse=True)


def test_numbers_sort_as_numbers_and_empty_cells_come_last(page):
    for turn in (1, -1):
        click(page, "Epochs", OFFICIAL)
        values = page.run(CELLS.format(table=OFFICIAL, title="Epochs"))
        known = [int(value.replace(",", "")) for value in values if value]
        assert 1000 in known and 300 in known
        assert known == sorted(known, reverse=turn == 1)
        assert values == [v for v in values if v] + [""] * values.count("")
        assert "" in values


def test_what_is_typed_is_searched_for(page):
    every, official = names(page), names(page, OFFICIAL)
    page.run("document.querySelector('input[type=search]').focus()")
    page.type("VICReg cifar10")
    both = [n for n in every if n.startswith("vicreg") and n.endswith("cifar10")]
    assert names(page) == both != []
    assert names(page, OFFICIAL) == []
    total = len(every) + len(official)
    said = "document.querySelector('.search output').textContent"
    assert page.run(said) == f"{len(names(page))} of {total}"
    page.run("document.querySelector('input[type=search]').select()")
    page.type("non-commercial")
    assert names(page) == [] and 0 < len(names(page, OFFICIAL)) < len(official)
    page.run("document.querySelector('input[type=search]').select()")
    page.press("Backspace", 8)
    assert (names(page), names(page, OFFICIAL)) == (every, official)


@pytest.mark.parametrize("allowed", [True, False])
def test_the_line_that_loads_is_copied(page, allowed):
    """Also where the page may not write to the clipboard itself."""
    page.run("navigator.clipboard.writeText('nothing')")
    if not allowed:
        page.run("navigator.clipboard.writeText = () => Promise.reject(1)")
    name = names(page)[0]
    assert page.run(COPY.format(place="#own tbody")) == "Copied"
    line = f'encoder = tfssl.zoo.load("{name}")'
    assert page.run("navigator.clipboard.readText()") == line
    if not allowed:
        return
    assert page.run(COPY.format(place=f"#encoder-{name}")) == "Copied"
    code = page.run("navigator.clipboard.readText()")
    assert code.startswith("import tfssl\n") and line in code
    assert compile(code, name, "exec")


def test_the_keyboard_is_enough(page):
    page.run("document.querySelector('input[type=search]').focus()")
    focus = "document.activeElement.textContent || document.activeElement.className"
    seen = []
    for _ in range(3):
        page.press("Tab", 9)
        seen.append(page.run(focus))
    assert page.run("document.activeElement.closest('table').id") == "own"
    assert seen[1:] == ["Name", "kNN"]
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter", 13, "\r")
    assert page.run(SORTED.format(table=OWN)) == ["kNN descending"]


MAP = "document.querySelector('.map')"
# Classes of a map that are seen, and those whose names are pressed.
SEEN = f"""[...{MAP}.querySelectorAll("g[data-kind]")].filter(
  (group) => getComputedStyle(group).opacity > .5).map(
  (group) => group.querySelector("title").textContent)"""
PRESSED = f"""[...{MAP}.querySelectorAll("[aria-pressed=true]")].map(
  (name) => name.textContent)"""


@pytest.fixture
def still(page):
    """The page, where changes take no time."""
    motion = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.call("Emulation.setEmulatedMedia", features=[motion])
    return page


def test_each_encoder_has_its_map_and_its_pictures(page):
    count = len(names(page))
    for part, number in ((".map", 1), (".nearest .row", 6), (".nearest img", 42)):
        found = f"document.querySelectorAll('article {part}').length"
        assert page.run(found) == number * count
    broken = "[...document.images].filter((i) => !i.complete || !i.naturalWidth).length"
    assert page.run(broken) == 0
    assert page.run("[...document.images].every((i) => i.alt && i.width >= 32)")
    assert page.run(f"{MAP}.querySelector('svg').getBoundingClientRect().height") > 300
    marks = f"{MAP}.querySelector('svg g path').getBBox()"
    assert page.run(f"{marks}.width") > 20 and page.run(f"{marks}.height") > 20


def test_a_name_shows_its_class_by_the_keyboard(still):
    every = still.run(SEEN)
    assert len(every) == 10 and still.run(PRESSED) == []
    still.run(f"{MAP}.querySelector('button').focus()")
    still.press("Tab", 9)
    assert still.run("document.activeElement.textContent") == every[1]
    style = "getComputedStyle(document.activeElement).outlineStyle"
    assert still.run(style) == "solid"
    still.press("Enter", 13, "\r")
    assert still.run(SEEN) == still.run(PRESSED) == [every[1]]
    still.press("Tab", 9)
    still.press(" ", 32, " ")
    assert still.run(SEEN) == still.run(PRESSED) == [every[2]]
    still.press(" ", 32, " ")
    assert still.run(SEEN) == every and still.run(PRESSED) == []
    others = "[...document.querySelectorAll('.map')].slice(1)"
    assert still.run(f"{others}.every((map) => !map.querySelector('.faint'))")


def test_a_mark_shows_its_class_by_a_click(still):
    every = still.run(SEEN)
    click = "dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    mark = f"{MAP}.querySelectorAll('svg g path')[3]"
    still.run(f"{mark}.{click}")
    assert still.run(SEEN) == still.run(PRESSED) == [every[3]]
    still.run(f"{MAP}.querySelector('svg').{click}")
    assert still.run(SEEN) == every and still.run(PRESSED) == []


def test_a_name_shows_its_class_while_it_is_pointed_at(still):
    every = still.run(SEEN)
    name = f"{MAP}.querySelectorAll('button')[2]"
    still.run(f"{name}.scrollIntoView({{block: 'center'}})")
    box = still.run(f"{name}.getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    still.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert still.run(SEEN) == [every[2]]
    still.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert still.run(SEEN) == every


def test_nothing_is_asked_of_others(page):
    outside = [at for at in page.requests() if not at.startswith("data:")]
    assert outside == [PAGE.resolve().as_uri()]


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_all_text_can_be_read_and_nothing_sticks_out(browser, width, dark):
    browser.open(PAGE, width, dark=dark)
    browser.run("document.querySelectorAll('details').forEach((d) => d.open = true)")
    found = browser.run(CONTRAST)
    assert len(found) > 100
    assert [each for each in found if each["contrast"] < each["asked"]] == []
    # Of the colours that are not text, the paper shows that the scheme was followed.
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (int(paper[4:].split(",")[0]) < 60) == dark
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.errors() == []


def test_without_chromium_it_is_skipped_unless_it_is_needed(monkeypatch):
    monkeypatch.setattr(chromium, "find", lambda: None)
    monkeypatch.delenv("TFSSL_NEEDS_CHROMIUM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        found()
    monkeypatch.setenv("TFSSL_NEEDS_CHROMIUM", "1")
    with pytest.raises(pytest.fail.Exception, match="not installed"):
        found()

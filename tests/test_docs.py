"""The README and the pages of docs/: their Python runs, what they name exists."""

import hashlib
import re
import runpy
import shutil
import sys
import textwrap
from pathlib import Path

import keras
import pytest
from digits import take_few_digits
from PIL import Image

import tfssl

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
OFFICIAL = "moco_v2_resnet50_imagenet"


def blocks(page, language):
    """The code blocks of a page in one language."""
    return [
        textwrap.dedent(code)
        for _, found, code in FENCED.findall(PAGES[page])
        if found == language
    ]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """What the pages speak of: a run, labelled photos, a new one, somebody's zoo."""
    folder = tmp_path_factory.mktemp("desk")
    for part in ("runs/photos", "new", "photos/dark", "photos/light"):
        (folder / part).mkdir(parents=True)
    lines = ["file,label"]
    for i in range(8):
        name, colour = (("dark", 10), ("light", 240))[i % 2]
        photo = Image.new("RGB", (40, 30), (colour, i, i))
        photo.save(folder / "photos" / name / f"{i}.png")
        lines.append(f"{i}.png,{name}")
    # Some of them only.
    (folder / "labels.csv").write_text("\n".join(lines[:-2]))
    photo.save(folder / "new" / "photo.jpg")
    encoder = tfssl.encoders.resnet10(32, stem="small", width=4)
    encoder.save(folder / "runs" / "photos" / "encoder.keras")
    network = tfssl.transfer.classifier(encoder, num_classes=2)
    classifier = tfssl.transfer.ImageClassifier(network, ["dark", "light"])
    classifier.save(folder / "classifier.keras")
    # Of any size, in place of a large one.
    image = keras.Input((None, None, 3))
    means = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    card = {"method": "simclr", "dataset": "photos"}
    for name, model in (("their_encoder", encoder), (OFFICIAL, means)):
        tfssl.zoo.publish(model, name, folder / "their_zoo", card)
    pin = hashlib.sha256((folder / "their_zoo" / "index.json").read_bytes())
    (folder / "their_zoo.sha256").write_text(f"{pin.hexdigest()}  index.json\n")
    return folder


@pytest.fixture
def here(desk, tmp_path, monkeypatch, eager):
    """The pages' folder, to write to; what a page cannot fetch is there already."""
    shutil.copytree(desk, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    # Of the function's name, too.
    loading = sys.modules["tfssl.zoo.load"]
    monkeypatch.setattr(loading, "official_zoo", lambda name: tmp_path / "their_zoo")
    take_few_digits(monkeypatch, 160)
    return tmp_path


def run(page):
    """The Python of a page, one block after the other; what it leaves."""
    found = {}
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), found)
    return found


# That of exports takes files that tests/zoo/test_exporting.py makes, and is run there.
WITH_PYTHON = [
    page for page in PAGES if blocks(page, "python") and page != "docs/export.md"
]
# Those that train, trace or measure for longer.
LONG = {
    f"docs/{page}.md"
    for page in ("few_labels", "large_batches", "large_data", "python", "zoo")
}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.matrix] if page in LONG else [])
        for page in WITH_PYTHON
    ],
)
def test_the_python_of_a_page_runs(here, page):
    found = run(page)
    models = [x for x in found.values() if isinstance(x, keras.Model)]
    assert models, "A page shows what makes a model."
    if page == "README.md":
        assert found["classifier"].class_names == ("dark", "light")
        ranked = found["classifier"].classify(found["photo"][None])
        assert ranked[0][0][0] == "light"
        assert found["encoder"].output_shape == found["model"].encoder.output_shape
        assert (here / "my_zoo" / "my_encoder" / "README.md").exists()


def test_commands_name_programs_and_flags_that_exist():
    folder = ROOT / "scripts"
    known = runpy.run_path(str(folder / "__main__.py"))["PROGRAMS"]
    shared = [(folder / f"{x}.py").read_text() for x in ("common", "recipe_flags")]
    named = set()
    for page, text in PAGES.items():
        # In blocks of either kind, and between words.
        code = [code for _, language, code in FENCED.findall(text) if not language]
        code += re.findall(r"^    (tfssl .*)$", text, re.MULTILINE)
        code += re.findall(r"`([^`]+)`", FENCED.sub("", text))
        code = "\n".join(" ".join(x.split("\\\n")) for x in code)
        for name, flags in re.findall(r"tfssl ([a-z_]+)(.*)", code):
            assert name in known, f"{page}: there is no program {name}"
            named.add(name)
            sources = "".join([(folder / f"{name}.py").read_text(), *shared])
            for flag in re.findall(r"--(\w+)", flags):
                assert f'"{flag}"' in sources, f"{page}: {name}.py has no --{flag}"
        for path in re.findall(
            r"python ((?:benchmarks|tests|scripts)/[a-z_]+\.py)", text
        ):
            assert (ROOT / path).exists(), f"{page}: there is no {path}"
    assert named == set(known)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """In the repository; those of the site are checked when it is built."""
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", PAGES[page])):
        path = link.partition("#")[0]
        if "://" not in link and path:
            assert ((ROOT / page).parent / path).exists(), link

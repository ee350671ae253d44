"""The zoo's page as text. `UPDATE=1 pytest tests/zoo/test_page.py` writes it anew."""

import dataclasses
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from cases import pixels
from conftest import CARD
from written import write_zoo

import tfssl
from tfssl import files
from tfssl.zoo.examples_file import Examples, thumbnail
from tfssl.zoo.page import page_of
from tfssl.zoo.published import Published, published

ZOO = Path(__file__).parents[2] / "zoo"
EVIL = "\"><script>alert(1)</script>'"
PICTURE = thumbnail(np.full((8, 8, 3), 200, "uint8"))
EXAMPLES = Examples(
    dataset="tfds:cats",
    split="test",
    total=1234,
    seed=0,
    points=[[0, 1000], [500, 3], [7, 7]],
    classes=["cat", "dog"],
    labels=[0, 1, 1],
    neighbours=[[1, 2, 0]],
    thumbnails={0: PICTURE, 1: PICTURE, 2: PICTURE},
)


class Parsed(HTMLParser):
    """Tags, and what they refer to."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = {k: v for k, v in attributes if k in ("href", "src")}
        self.links += [(tag, value) for value in found.values()]


def test_the_committed_page_is_that_of_the_committed_zoo():
    text = page_of(published(ZOO))
    if os.environ.get("UPDATE"):
        (ZOO / "index.html").write_text(text)
    assert (ZOO / "index.html").read_text() == text


@pytest.fixture
def zoo(tmp_path):
    return write_zoo(tmp_path / "zoo", small=CARD)


def test_publishing_refreshes_the_page(zoo):
    before = tfssl.zoo.write_page(zoo).read_text()
    assert "tfssl.zoo.load(&quot;small&quot;)" in before
    assert "encoder-another" not in before
    tfssl.zoo.publish(pixels(), "another", zoo=zoo, card={**CARD, "licence": "CC0"})
    after = (zoo / "index.html").read_text()
    assert 'id="encoder-another"' in after and ">CC0</td>" in after
    assert tfssl.zoo.write_page(zoo).read_text() == after


def test_every_encoder_and_every_official_one_has_its_row():
    text = page_of(published(ZOO))
    for name in (*tfssl.zoo.names(ZOO), *tfssl.zoo.official()):
        assert text.count(f'data-key="{name}"') == 1
        assert f"tfssl.zoo.load(&quot;{name}&quot;)" in text
    noncommercial = [
        e for e in tfssl.zoo.official().values() if "non-c" in e["licence"]
    ]
    assert text.count(">non-commercial</span>") == len(noncommercial) > 0


def test_it_refers_to_nothing_but_pages_to_read():
    parsed = Parsed(page_of(published(ZOO)))
    outside = {tag for tag, link in parsed.links if not link.startswith(("#", "data:"))}
    assert outside == {"a"}
    assert not re.search(r"url\(\s*['\"]?http|@import", page_of(published(ZOO)))


def test_what_publishers_write_is_text_and_not_html():
    facts = ("method", "encoder", "dataset", "licence", "description", "commit")
    metrics = [{"protocol": EVIL, "value": 0.5, "settings": {EVIL: EVIL}}]
    few = {"labels_per_class": 5}
    metrics.append({"protocol": "few_knn", "value": 0.5, "settings": few})
    metadata = {**dict.fromkeys(facts, EVIL), "metrics": metrics}
    plain = Parsed(page_of([Published("a", {}, {})]))
    text = page_of([Published("a", metadata, {})])
    assert EVIL not in text and "&lt;script&gt;" in text
    assert Parsed(text).tags.count("script") == plain.tags.count("script")


@pytest.mark.parametrize(
    "metadata",
    [
        {"metrics": 3, "input_size": "ab", "epochs": "many", "parameters": True},
        {"metrics": [None, {"protocol": "knn"}, {"value": float("nan")}]},
        {"metrics": [{"protocol": "knn", "value": 0.5, "settings": [], "std": "x"}]},
        {
            "metrics": [
                {
                    "protocol": "few_knn",
                    "value": 9.5,
                    "std": 2,
                    "settings": {"labels_per_class": "5"},
                }
            ],
            "input_size": [0, -1],
            "dataset": None,
        },
    ],
)
def test_cards_that_make_no_sense_do_not_stop_it(metadata):
    assert 'id="encoder-a"' in page_of([Published("a", metadata, {})])


def shown(examples):
    return page_of([Published("a", {}, {}, examples)])


def test_examples_are_a_map_and_rows_of_neighbours():
    text = shown(EXAMPLES)
    assert "3 of 1,234 test images of cats" in text
    assert "3 images: 1 cat, 2 dog." in text and "1 of the 2 are" in text
    names = re.findall(r'<button type="button" aria-pressed.*?</svg>(\w+)</b', text)
    assert names == ["cat", "dog"]
    source = f"data:image/webp;base64,{PICTURE}"
    sources = [link for tag, link in Parsed(text).links if tag == "img"]
    assert sources == [source] * 3
    assert re.findall(r'class="pic (\w+)"', text) == ["first", "good", "bad"]
    assert 'class="shown"' not in shown(None)


def test_what_examples_say_is_text_and_not_html():
    evil = dict(dataset=EVIL, split=EVIL, classes=[EVIL, EVIL])
    text = shown(dataclasses.replace(EXAMPLES, **evil))
    assert EVIL not in text and text.count("&lt;script&gt;") > 5
    assert Parsed(text).tags == Parsed(shown(EXAMPLES)).tags


def plant(zoo, text):
    """Gives an encoder examples, as somebody may who offers a zoo."""
    path, index = zoo / "small" / "examples.json", zoo / "index.json"
    path.write_text(text)
    content = json.loads(index.read_text())
    content["encoders"]["small"]["files"]["examples.json"] = files.facts(path)
    index.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        {"points": [[0, 0], [1, 1], EVIL]},
        {"labels": [0, 1, EVIL]},
        {"total": EVIL},
        {"neighbours": [[EVIL]]},
        {"thumbnails": dict.fromkeys("012", EVIL)},
        {"thumbnails": dict.fromkeys("012", PICTURE + EVIL)},
        {"classes": ["x" * 10**6] * 2},
    ],
)
def test_examples_that_make_no_sense_are_left_out(zoo, change):
    without = tfssl.zoo.write_page(zoo).read_text()
    content = json.loads(EXAMPLES.to_json())
    plant(zoo, json.dumps(content))
    assert 'class="shown"' in tfssl.zoo.write_page(zoo).read_text()
    plant(zoo, json.dumps({**content, **change}))
    assert tfssl.zoo.write_page(zoo).read_text() == without


@pytest.mark.parametrize("text", ["", "[]", "[" * 10**5, "\0", '{"points": 3}'])
def test_examples_that_are_none_are_left_out(zoo, text):
    without = tfssl.zoo.write_page(zoo).read_text()
    plant(zoo, text)
    assert tfssl.zoo.write_page(zoo).read_text() == without


def test_examples_that_are_too_long_are_not_read(zoo):
    without = tfssl.zoo.write_page(zoo).read_text()
    plant(zoo, EXAMPLES.to_json() + " " * 2**18)
    assert tfssl.zoo.write_page(zoo).read_text() == without


def test_the_committed_examples_are_of_all_encoders_and_small():
    found = published(ZOO)
    labels = {}
    for encoder in found:
        examples = encoder.examples
        assert len(examples.points) == min(600, examples.total)
        # The sample is the same for all that learned from a set.
        assert examples.labels == labels.setdefault(encoder.dataset, examples.labels)
        assert encoder.files["examples.json"]["size"] < 60_000
    without = [dataclasses.replace(encoder, examples=None) for encoder in found]
    longer = len(page_of(found)) - len(page_of(without))
    assert longer < 80_000 * len(found)


def test_an_encoder_whose_metadata_is_damaged_is_listed_by_the_index(zoo):
    (zoo / "small" / "metadata.json").write_text("{}")
    text = tfssl.zoo.write_page(zoo).read_text()
    assert 'id="encoder-small"' in text and ">simclr</td>" in text


def test_an_empty_zoo_has_the_official_weights(tmp_path):
    index = {"format": 1, "encoders": {}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    text = tfssl.zoo.write_page(tmp_path).read_text()
    assert "vicreg_resnet50_imagenet" in text and "Each encoder" not in text


def test_a_name_of_the_page_is_no_name_of_an_encoder(zoo):
    with pytest.raises(tfssl.zoo.NotFoundError, match="no path"):
        tfssl.zoo.publish(pixels(), "index.html", zoo=zoo, card=CARD)

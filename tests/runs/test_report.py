import re
from html.parser import HTMLParser

import numpy as np
import pytest
from cases import images, make

import tfssl
from tfssl.runs import write_report
from tfssl.transfer import Result

HISTORY = [
    {"epoch": e, "loss": 5.0 / e, "knn_accuracy": 0.1 * e, "learning_rate": 0.3}
    for e in range(1, 5)
]
RESULTS = [
    Result("knn", 0.6125, settings={"k": 20}),
    Result("scratch", 0.5, std=0.02),
    Result("finetuned", 0.7, std=0.01, settings={"steps": 9}),
]
NAMES = ["cat", "<script>alert(1)</script>", "a & b"]


def everything():
    x = images(40)
    return {
        "title": "A run & more",
        "history": HISTORY,
        "run": {"settings": {"num_images": 1234, "note": "<b>"}},
        "originals": x[:3],
        "views": (x[:3], x[3:6]),
        "mapped_images": x,
        "mapped_features": np.random.default_rng(0).normal(size=(40, 6)),
        "mapped_labels": np.arange(40) % 3,
        "class_names": NAMES,
        "results": RESULTS,
        "figures": [("Fillings", "original, hole, filling", [[("hole", x[0])]])],
    }


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.headings, self.tags, self.sources, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        attributes = dict(attributes)
        self.sources += [attributes[k] for k in ("src", "href") if k in attributes]

    def handle_data(self, data):
        self.texts.append(data)
        if self.tags and self.tags[-1] in ("h1", "h2") and data.strip():
            self.headings.append(data)


def page(tmp_path, **parts):
    path = tmp_path / "report.html"
    write_report(path, **parts)
    return Page(path.read_text()), path.read_text()


def test_one_file_with_every_section(tmp_path):
    parsed, text = page(tmp_path, **everything())
    assert parsed.headings == [
        "A run & more",
        "What the encoder is worth",
        "How it went",
        "What the model saw",
        "Fillings",
        "A map of test images",
        "Nearest neighbours",
        "How it was run",
    ]
    assert all(source.startswith("data:image/png") for source in parsed.sources)
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?https?:", text)
    for value in ("61.25 %", "70.00 % ± 1.00", "70.0 % ± 1.0", "1,234", "k 20"):
        assert value in text, value
    # Last values of the curves.
    assert "loss 1.25" in text and "knn accuracy 0.4" in text
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_names_are_text_and_not_html(tmp_path):
    parsed, text = page(tmp_path, **everything())
    assert "alert(1)</script>" not in text
    assert parsed.tags.count("script") == 1 and parsed.tags.count("b") == 3


def test_the_same_run_makes_the_same_report(tmp_path):
    assert page(tmp_path, **everything())[1] == page(tmp_path, **everything())[1]


def test_what_is_not_given_is_left_out(tmp_path):
    assert page(tmp_path, title="Bare")[0].headings == ["Bare"]
    parsed, text = page(tmp_path, title="Curves", history=HISTORY)
    assert parsed.headings == ["Curves", "How it went"]


def test_without_labels_there_are_no_frames(tmp_path):
    parts = {**everything(), "mapped_labels": None, "class_names": None}
    parsed, text = page(tmp_path, **parts)
    assert "Nearest neighbours" in parsed.headings
    assert 'class="pic good"' not in text and 'class="pic bad"' not in text
    assert "green frame" not in text


def test_neighbours_are_the_most_similar(tmp_path):
    parts = everything()
    parts["mapped_labels"] = np.arange(40) // 10
    parts["class_names"] = None
    parts["mapped_features"] = np.eye(4)[parts["mapped_labels"]]
    _, text = page(tmp_path, **parts)
    # Eight neighbours of nine equal images: all of them right.
    assert text.count('class="pic good"') == 64 and 'class="pic bad"' not in text


def test_images_without_a_label_are_shown_as_such(tmp_path):
    parts = {**everything(), "mapped_split": "train"}
    parts["mapped_labels"] = np.repeat([0, 1, -1], [4, 4, 32])
    parts["class_names"] = ["cat", "dog"]
    parts["mapped_features"] = np.eye(3)[parts["mapped_labels"]]
    parsed, text = page(tmp_path, **parts)
    assert "A map of training images" in parsed.headings
    assert "32 no label, 4 cat, 4 dog" in text
    # Whether they are of the same class is not known.
    assert "no label, the same" not in text and "no label, another" not in text


def test_a_run_that_learned_from_labels_does_not_deny_it(tmp_path):
    for learned in (False, True):
        _, text = page(tmp_path, **everything(), learned_labels=learned)
        assert ("never saw a label" in text) == (not learned)
        assert ("images, no labels" in text) == (not learned)


@pytest.mark.filterwarnings("error")
def test_a_collapsed_encoder_has_a_report(tmp_path):
    parts = {**everything(), "mapped_features": np.zeros((40, 6))}
    assert "A map of test images" in page(tmp_path, **parts)[0].headings


def test_an_encoder_that_failed_has_a_report(tmp_path):
    history = [{"epoch": 1, "loss": 2.0, "knn_accuracy": float("nan")}]
    features = np.full((40, 6), np.nan)
    parts = {**everything(), "results": (), "history": history}
    parsed, text = page(tmp_path, **{**parts, "mapped_features": features})
    assert "A map of test images" not in parsed.headings and "nan" not in text


def test_a_failure_leaves_the_old_report(tmp_path):
    page(tmp_path, title="Old")
    with pytest.raises(AttributeError):
        write_report(tmp_path / "report.html", title="New", results=[None])
    assert "Old" in (tmp_path / "report.html").read_text()


def test_a_run_shows_images_of_all_classes_with_their_names(tmp_path):
    labels = np.repeat(np.arange(3), 20)
    names = ("cat", "dog", "bird")
    data = tfssl.data.ImageData(images(60), labels, names, name="pets")
    run = tfssl.runs.Workdir(tmp_path / "run", {"method": "simclr", "num_images": 60})
    model = make("simclr")
    path = tfssl.runs.write_run_report(run, model, data)
    text = path.read_text()
    seen = text.partition("What the model saw")[2].partition("A map of")[0]
    assert all(f"<figcaption>{name}</figcaption>" in seen for name in names)
    assert text.count('data-i="') == 60

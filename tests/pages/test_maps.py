import re

import numpy as np
import pytest

from tfssl.pages import maps, pictures

NAMES = ["cat", "<b>", "a & b"]


def test_marks_lie_where_their_points_are():
    points = np.array([[0, 0], [1, 0.5], [0.25, 1]])
    text = maps.scatter(points, [0, 1, 0], NAMES)
    places = re.findall(r"M([\d.]+) ([\d.]+)m", text.partition("</svg>")[0])
    assert places == [("12", "12"), ("146", "548"), ("548", "280")]
    assert text.count("<g ") == 2 and text.count("<button") == 2
    assert "3 images: 2 cat, 1 &lt;b&gt;." in text and "<b>" not in text


def test_each_class_has_a_look_of_its_own():
    """A mark and a colour, in the map as under it."""
    labels = np.arange(70)
    text = maps.scatter(np.full((70, 2), 0.5), labels)
    found = re.findall(r'<g data-kind="(\d+)" fill="(.*?)">.*?d="M280 280(.*?)"', text)
    assert len(found) == 70
    assert len({(colour, mark) for _, colour, mark in found}) == 70
    for kind, colour, mark in found:
        button = re.search(f'<button[^>]*data-kind="{kind}">.*?</button>', text)[0]
        assert f'fill="{colour}"' in button and f'd="M0 0{mark}"' in button


def test_without_labels_all_marks_are_of_one_kind():
    text = maps.scatter(np.zeros((4, 2)))
    assert text.count("<g ") == 1 and "<button" not in text


def test_too_many_classes_are_not_listed():
    text = maps.scatter(np.zeros((101, 2)), np.arange(101))
    assert "<button" not in text and text.count("<g ") == 101
    assert len(text) < 20_000


def test_with_images_each_mark_knows_its_own():
    x = np.random.default_rng(0).integers(256, size=(5, 8, 8, 3))
    text = maps.scatter(np.zeros((5, 2)), [1, 0, 1, 0, 1], None, x)
    marks = re.findall(r'data-kind="(\d)" fill.*?</g>', text)
    assert marks == ["0", "1"]
    assert re.findall(r'data-i="(\d)"', text) == ["1", "3", "0", "2", "4"]
    assert 'data-columns="3" data-width="8" data-height="8"' in text
    sheet = np.zeros((16, 24, 3))
    for i, image in enumerate(x):
        sheet[i // 3 * 8 :, i % 3 * 8 :][:8, :8] = image
    assert pictures.data_url(sheet) in text


@pytest.mark.parametrize("same, mark", [(True, "good"), (False, "bad"), (None, "")])
def test_neighbours_are_framed_and_told(same, mark):
    image = np.zeros((4, 4, 3))
    name = "" if same is None else "<b>"
    row = [(image, name, same), ("data:image/webp;base64,AA", name, same)]
    first, second = re.findall("<figure.*?</figure>", maps.neighbour_rows([row]))
    assert 'class="pic first"' in first and 'src="data:image/png' in first
    assert f'class="pic {mark}"' in second and 'src="data:image/webp' in second
    told = {True: "&lt;b&gt;, the same class", False: "&lt;b&gt;, another class"}
    assert f'alt="neighbour 1{": " + told[same] if same in told else ""}"' in second
    assert "<b>" not in first + second

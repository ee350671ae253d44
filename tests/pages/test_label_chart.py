import math
import re
import xml.etree.ElementTree as xml

import pytest

from tfssl.pages import label_chart

POINTS = [(25, 0.8, 0.01), (1, 0.4, 0.1), (5, 0.6, None), (None, 0.9, None)]


def drawn(text):
    """The places of the points, by what they say."""
    paths = re.findall(
        r'translate\(([\d.]+) ([\d.]+)\)" d="[^"]+" fill="[^"]+"><t', text
    )
    titles = re.findall(r"<title>(.*?)</title>", text)
    return dict(zip(titles, [tuple(map(float, p)) for p in paths], strict=True))


def test_places():
    """Equal steps for equal factors; higher is better; all labels on the right."""
    places = drawn(label_chart([("mine", "kNN", POINTS)], "title"))
    one, five, many, every = places.values()
    assert list(places) == [
        "mine, kNN, 1 labels per class: 40.0 % ± 10.0",
        "mine, kNN, 5 labels per class: 60.0 %",
        "mine, kNN, 25 labels per class: 80.0 % ± 1.0",
        "mine, kNN, all labels: 90.0 %",
    ]
    assert math.isclose(five[0] - one[0], many[0] - five[0], abs_tol=0.2)
    assert every[0] > many[0]
    assert math.isclose(one[1] - five[1], five[1] - many[1], abs_tol=0.2)
    assert every[1] < many[1]


@pytest.mark.parametrize(
    "points",
    [
        [(None, 0.5, None)],
        [(7, 0.5, None)],
        [(7, 0.0, 0.5), (70, 1.0, 0.5)],
        [(7, 0.5, 0.0), (None, 0.5, None)],
    ],
)
def test_points_lie_within(points):
    text = label_chart([("a", "b", points)], "title")
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)', text).groups())
    for x, y in drawn(text).values():
        assert 40 < x < width and 0 < y < height
    assert "nan" not in text


def test_an_image_of_its_own_is_xml_with_its_style():
    text = label_chart([("<a & b>", "kNN", POINTS)], '"t"', standalone=True)
    root = xml.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in text and "<a &" not in text
    assert label_chart([], "t") == label_chart([("a", "b", [])], "t") == ""

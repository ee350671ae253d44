import re

from tfssl.pages.pictures import bar_chart


def test_the_labels_of_bars_have_room():
    title = "few_linear, 100 labels per class"
    chart = bar_chart([("short", 0.5, 0.1), (title, 1.0, 0.0)])
    width = float(re.search(r'viewBox="0 0 (\d+)', chart)[1])
    ends = [float(x) for x in re.findall(r'<text x="([\d.]+)"', chart)]
    # The labels end there; the values begin.
    assert ends[0] == ends[2] > 6.5 * len(title)
    assert max(ends) < width - 80

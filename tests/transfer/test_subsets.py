import numpy as np
import pytest

from tfssl.transfer import few_label_indices

LABELS = np.repeat([0, 1, 2], [10, 20, 40])


def test_so_many_of_each_class():
    rows = few_label_indices(LABELS, labels_per_class=7, seed=1)
    assert np.bincount(LABELS[rows]).tolist() == [7, 7, 7]
    assert len(set(rows)) == 21 and np.all(np.diff(rows) > 0)


def test_a_share_of_each_class():
    rows = few_label_indices(LABELS, label_fraction=0.1)
    assert np.bincount(LABELS[rows]).tolist() == [1, 2, 4]
    assert len(few_label_indices(LABELS, label_fraction=1e-9)) == 3
    assert len(few_label_indices(LABELS, label_fraction=1.0)) == 70


def test_images_without_a_label_are_not_chosen():
    some = np.where(np.arange(70) % 2, LABELS, -1)
    rows = few_label_indices(some, label_fraction=1.0)
    np.testing.assert_array_equal(rows, np.arange(1, 70, 2))
    with pytest.raises(ValueError, match="None of the 70 images has a label"):
        few_label_indices(np.full(70, -1), labels_per_class=1)


def test_the_seed_decides():
    draw = [few_label_indices(LABELS, labels_per_class=3, seed=s) for s in (0, 0, 1)]
    np.testing.assert_array_equal(draw[0], draw[1])
    assert not np.array_equal(draw[0], draw[2])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "Give one of"),
        ({"labels_per_class": 1, "label_fraction": 0.5}, "Give one of"),
        ({"labels_per_class": 11}, "Class 0 has 10"),
        ({"labels_per_class": 0}, "at least 1"),
        ({"label_fraction": 1.5}, "1.5"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        few_label_indices(LABELS, **arguments)

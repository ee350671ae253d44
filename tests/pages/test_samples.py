import numpy as np
import pytest

from tfssl.pages import nearest, project, sample


def test_a_sample_is_of_all_classes_and_the_first_are_different_ones():
    """Also of a folder, whose images come in the order of their classes."""
    labels = np.repeat(np.arange(10), [500, 50, 50, 50, 50, 50, 50, 50, 50, 3])
    rows = sample(labels, len(labels), 100)
    assert len(np.unique(rows)) == 100
    counts = np.bincount(labels[rows])
    assert counts.min() == 3 and counts.max() == 11
    assert len(set(labels[rows[:10]])) == 10
    np.testing.assert_array_equal(rows, sample(labels, len(labels), 100))
    assert (rows != sample(labels, len(labels), 100, seed=1)).any()
    assert len(sample(None, 7, 100)) == 7


def test_clusters_of_features_are_clusters_of_the_map():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(3), 20)
    features = 5 * np.eye(3)[group] + 0.1 * rng.normal(size=(60, 3))
    points = project(features)
    assert points.min() >= 0 and points.max() <= 1
    assert np.ptp(points, axis=0).max() == pytest.approx(1)
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).all()
    np.testing.assert_array_equal(points, project(features))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value, noise", [(0, 0), (1, 0), (3, 1e-8)])
def test_features_that_are_all_the_same_lie_in_the_middle(value, noise):
    features = value + noise * np.random.default_rng(0).normal(size=(20, 5))
    np.testing.assert_array_equal(project(features), np.full((20, 2), 0.5))


def test_neighbours_are_those_that_are_found_one_by_one():
    features = np.random.default_rng(0).normal(size=(30, 4))
    features[7] = 0
    found = nearest(features, [3, 0, 29], count=5)
    unit = features / np.maximum(np.linalg.norm(features, axis=1)[:, None], 1e-9)
    for query, row in zip([3, 0, 29], found, strict=True):
        others = [other for other in range(30) if other != query]
        cosines = {other: unit[other] @ unit[query] for other in others}
        others.sort(key=cosines.get, reverse=True)
        assert list(row) == others[:5]


def test_of_equal_images_the_others_come_first():
    """And an image is not its own neighbour."""
    features = np.eye(4)[[0, 1, 0, 2, 0]]
    assert nearest(features, [0, 2], count=2).tolist() == [[2, 4], [0, 4]]

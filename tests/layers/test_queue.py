import numpy as np
import pytest
from keras import ops

from tfssl.layers import Queue


def numpy(x):
    return ops.convert_to_numpy(x)


def test_it_starts_with_random_unit_rows():
    rows = numpy(Queue(50, 8).rows)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    assert np.abs(rows.mean(0)).max() < 0.2 and len(np.unique(rows)) == 400
    assert not np.array_equal(rows, numpy(Queue(50, 8, seed=1).rows))


@pytest.mark.parametrize("size, count", [(8, 4), (7, 3), (5, 5), (10, 7)])
def test_new_rows_replace_the_oldest_round_and_round(size, count):
    queue = Queue(size, 1)
    expected = list(numpy(queue.rows)[:, 0])
    place, number = 0, 10.0
    for _ in range(5):
        new = number + np.arange(count, dtype="float32")
        number += count
        queue.push(new[:, None])
        for value in new:
            expected[place] = value
            place = (place + 1) % size
        np.testing.assert_allclose(numpy(queue.rows)[:, 0], expected)
        assert int(queue.pointer) == place
    # After ceil(size / count) pushes no first row is left.
    assert min(expected) >= 10


def test_more_rows_than_places_are_refused():
    with pytest.raises(ValueError, match="Received: 6 rows"):
        Queue(5, 2).push(ops.ones((6, 2)))
    with pytest.raises(ValueError, match="size=0"):
        Queue(0, 2)


def test_nothing_is_trainable():
    queue = Queue(4, 2)
    assert queue.trainable_variables == [] and len(queue.non_trainable_variables) == 2


def test_config_round_trip():
    queue = Queue(4, 2, seed=3)
    copy = Queue.from_config(queue.get_config())
    np.testing.assert_array_equal(numpy(copy.rows), numpy(queue.rows))

"""Streamed images are an array to look at, and never held."""

import keras
import numpy as np
import pytest
from cases import images, make

from tfssl import transfer
from tfssl.training import Batches, LabelledBatches, StreamedImages, read_ahead

N = 22
ARRAY = images(N)


class Recorded(StreamedImages):
    """The images of an array, and how many were read at a time."""

    def __init__(self, array):
        super().__init__(array.shape)
        self.array = array
        self.counts = []

    def read(self, rows):
        self.counts.append(len(rows))
        return self.array[rows]


def test_it_is_indexed_as_an_array():
    streamed = Recorded(ARRAY)
    assert (streamed.shape, streamed.dtype, streamed.ndim, len(streamed)) == (
        ARRAY.shape,
        ARRAY.dtype,
        4,
        N,
    )
    assert streamed.counts == [] and streamed.nbytes == ARRAY.nbytes
    mask = np.arange(N) % 3 == 0
    none = np.zeros(0, int)
    for rows in (3, -1, np.int64(7), slice(2, 9, 3), slice(None), [5, -1, 5], none):
        np.testing.assert_array_equal(streamed[rows], ARRAY[rows])
        part = streamed.subset(slice(1, None))
        np.testing.assert_array_equal(part[rows], ARRAY[1:][rows])
    np.testing.assert_array_equal(streamed[mask], ARRAY[mask])
    np.testing.assert_array_equal(streamed.subset(mask)[:], ARRAY[mask])
    assert len(streamed[[]]) == 0
    assert sum(1 for _ in streamed) == N


@pytest.mark.parametrize(
    "rows, message",
    [
        (N, "below 22"),
        ([0, -N - 1], "below 22"),
        (np.ones(3, bool), "mask of 22"),
        (1.5, "a position"),
        ((0, 0), None),
        (np.zeros((2, 2), int), "a position"),
    ],
)
def test_positions_that_are_none_are_refused(rows, message):
    if message is None:
        assert Recorded(ARRAY)[rows].shape == (2, *ARRAY.shape[1:])
        return
    with pytest.raises(IndexError, match=message):
        Recorded(ARRAY)[rows]


def test_all_at_once_are_refused():
    with pytest.raises(ValueError, match="These 22 images are streamed.*images.rows"):
        np.asarray(Recorded(ARRAY))
    with pytest.raises(ValueError, match="count=0"):
        StreamedImages((0, 4, 4, 3))


@pytest.mark.parametrize(
    "epoch, start, shuffle", [(0, 0, True), (3, 2, True), (0, 1, False)]
)
def test_batches_are_those_of_an_array(epoch, start, shuffle):
    arguments = {"batch_size": 5, "seed": 7, "epoch": epoch, "shuffle": shuffle}
    for given in ({}, {"labels": np.arange(N)}, {"with_index": True}):
        streamed = Recorded(ARRAY)
        kept = Batches(ARRAY, **given, **arguments, start=start)
        read = Batches(streamed, **given, **arguments, start=start)
        for a, b in zip(kept, read, strict=True):
            keras.tree.map_structure(np.testing.assert_array_equal, a, b)
        assert streamed.counts == [5] * (4 - start)
        np.testing.assert_array_equal(
            *(keras.tree.flatten(batches[2])[0] for batches in (kept, read))
        )


def test_batches_go_on_at_a_step():
    whole = list(Batches(Recorded(ARRAY), batch_size=5, seed=7, epoch=2))
    batches = Batches(Recorded(ARRAY), batch_size=5, seed=7)
    batches.go_on(2, 3)
    (rest,) = batches
    np.testing.assert_array_equal(rest, whole[3])
    batches.epoch = 3
    assert len(list(batches)) == 4
    with pytest.raises(ValueError, match="start=-1"):
        batches.go_on(0, -1)


def test_few_labelled_images_come_along():
    labels = np.where(np.arange(N) % 4, -1, np.arange(N))
    kept, read = (
        list(LabelledBatches(x, labels, labelled=3, batch_size=5))
        for x in (ARRAY, Recorded(ARRAY))
    )
    keras.tree.map_structure(np.testing.assert_array_equal, kept, read)


def test_results_ahead_come_in_order_and_few_are_waiting():
    started, most = [], 0

    def call(i):
        started.append(i)
        return i

    for taken, result in enumerate(
        read_ahead.ahead(lambda i=i: call(i) for i in range(20)), start=1
    ):
        assert result == taken - 1
        most = max(most, len(started) - taken)
    assert most <= 2 and sorted(started) == list(range(20))


def test_an_error_comes_in_the_place_of_its_result():
    found = read_ahead.ahead([lambda: 1, lambda: 1 / 0, lambda: 3])
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError):
        next(found)


@pytest.mark.matrix
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["simclr", "cmc_nce"])
def test_a_step_is_that_of_an_array(name):
    """Of a method with a memory bank, too, which needs each image's index."""
    weights = []
    for x in (ARRAY[:16], Recorded(ARRAY[:16])):
        model = make(name)
        model.fit(x, batch_size=8, epochs=1, verbose=0)
        assert int(model.step) == 2
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    # Those that are watched, and batches.
    assert max(x.counts) <= 16


@pytest.mark.usefixtures("eager")
def test_a_bank_without_an_index_is_refused_before_a_step():
    model = make("cmc_nce")
    with pytest.raises(ValueError, match="needs each image's position.*with_index"):
        model.fit(Batches(Recorded(ARRAY), batch_size=8), verbose=0)
    assert int(model.step) == 0


class Broken(Recorded):
    """Images whose disk fails after some reads."""

    def __init__(self, array, reads):
        super().__init__(array)
        self.reads = reads

    def read(self, rows):
        if len(self.counts) == self.reads:
            raise LookupError("the disk is gone")
        return super().read(rows)


def test_what_reading_failed_with_is_told():
    with pytest.raises(LookupError, match="the disk is gone"):
        transfer.features(transfer.pixels(16), Broken(ARRAY, 4), batch_size=4)


@pytest.mark.matrix
@pytest.mark.usefixtures("eager")
def test_what_reading_failed_with_is_told_by_fit():
    model = make("simclr")
    with pytest.raises(LookupError, match="the disk is gone"):
        model.fit(Broken(ARRAY, 5), batch_size=8, epochs=5, verbose=0)
    assert int(model.step) > 0


def test_a_part_of_a_stream_is_held_out_without_reading_it():
    from tfssl.training.datasets import held_out

    streamed = Recorded(ARRAY)
    x, y, (held, labels) = held_out(streamed, np.arange(N), 0.25)
    assert streamed.counts == [] and len(x) == 16 and len(held) == 6
    np.testing.assert_array_equal(held[:], ARRAY[16:])
    np.testing.assert_array_equal(labels, np.arange(16, 22))


@pytest.mark.parametrize("workers, replicas", [(2, 2), (2, 4), (3, 6)])
def test_a_worker_reads_what_tensorflow_gives_it(workers, replicas):
    tf = pytest.importorskip("tensorflow")
    from tensorflow.python.data.experimental.ops import distribute
    from tensorflow.python.distribute import input_ops

    from tfssl.training.tensorflow import places_of_worker

    count = 3 * replicas
    lit = np.arange(3 * count, dtype="uint8").reshape(-1, 1, 1, 1) + 1
    lit = np.tile(lit, (1, 2, 2, 3))
    read = 0
    for worker in range(workers):
        streamed = Recorded(lit)
        batches = Batches(streamed, batch_size=count, shuffle=False)
        batches.own = places_of_worker(count, replicas, workers, worker)
        sizes = distribute.batch_sizes_for_worker(
            count, workers, replicas // workers, worker
        )
        # What `experimental_distribute_dataset` makes of a batch.
        dataset = batches.get_tf_dataset().rebatch(sizes).prefetch(1)
        streamed.counts.clear()
        dataset = input_ops.auto_shard_dataset(dataset, workers, worker, replicas)
        pieces = [np.asarray(x)[:, 0, 0, 0] for (x,) in dataset]
        assert len(pieces) == 3 * replicas // workers
        # None of the images that were left out, which are black.
        assert np.concatenate(pieces).min() > 0
        assert streamed.counts == [count // workers] * 3
        read += len(set(np.concatenate(pieces)))
    assert read == len(lit)
    assert isinstance(dataset, tf.data.Dataset)

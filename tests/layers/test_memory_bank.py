import numpy as np
from keras import ops

import tfssl


def numpy(x):
    return ops.convert_to_numpy(x)


def test_rows_start_near_length_one_and_stay_there():
    bank = tfssl.layers.MemoryBank(num_images=500, dim=64)
    lengths = np.linalg.norm(numpy(bank.rows), axis=1)
    assert np.abs(lengths.mean() - 1) < 0.01
    limit = np.sqrt(3 / 64)
    assert np.abs(numpy(bank.rows)).max() <= limit
    random = np.random.default_rng(0)
    for _ in range(3):
        f = random.normal(size=(20, 64)).astype("float32")
        f /= np.linalg.norm(f, axis=1, keepdims=True)
        bank.update(ops.arange(20, dtype="int32"), f)
    lengths = np.linalg.norm(numpy(bank.rows)[:20], axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_a_row_moves_to_the_normalised_average():
    bank = tfssl.layers.MemoryBank(num_images=3, dim=2, momentum=0.75)
    bank.rows.assign([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    bank.update(np.array([2, 1], "int32"), np.array([[0, 1], [0, 1]], "float32"))
    expected = np.array([0.75, 0.25]) / np.hypot(0.75, 0.25)
    np.testing.assert_allclose(numpy(bank.rows), [[1, 0], [0, 1], expected], atol=1e-6)


def test_config_round_trip():
    bank = tfssl.layers.MemoryBank(num_images=3, dim=2, momentum=0.75, seed=4)
    copy = tfssl.layers.MemoryBank.from_config(bank.get_config())
    assert copy.get_config() == bank.get_config()
    np.testing.assert_array_equal(numpy(copy.rows), numpy(bank.rows))


def test_the_first_batch_sets_the_normalizers():
    normalizers = tfssl.layers.Normalizers(count=2, num_images=10)
    first = [np.full((2, 3), 2.0, "float32"), np.full((2, 3), 0.5, "float32")]
    np.testing.assert_allclose(numpy(normalizers(first)), [20, 5])
    np.testing.assert_allclose(numpy(normalizers([9 * x for x in first])), [20, 5])

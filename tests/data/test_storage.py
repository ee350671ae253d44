import os

import numpy as np
import pytest

from tfssl.data import storage


def test_small_sets_stay_in_memory(tmp_path):
    assert type(storage.allocate((4, 2), tmp_path)) is np.ndarray


def test_large_sets_are_mapped_and_leave_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MEMORY_LIMIT", 7)
    array = storage.allocate((4, 2), tmp_path)
    assert isinstance(array, np.memmap)
    assert array.shape == (4, 2) and array.dtype == np.uint8
    array[:] = np.arange(8).reshape(4, 2)
    np.testing.assert_array_equal(array[[3, 0]], [[6, 7], [0, 1]])
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told_before_writing(tmp_path):
    with pytest.raises(OSError, match=r"take 1048576\.0 GiB.*image_size"):
        storage.allocate((2**50,), tmp_path)

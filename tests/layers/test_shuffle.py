import numpy as np
from keras import ops

from tfssl import layers


def test_rows_come_back_in_order_and_were_seen_in_another():
    seen = []

    def function(rows):
        seen.append(ops.convert_to_numpy(rows))
        return rows * 10

    rows = np.arange(6, dtype="float32")[:, None]
    numbers = np.array([0.5, 0.1, 0.9, 0.3, 0.2, 0.7], "float32")
    out = ops.convert_to_numpy(layers.shuffled(function, rows, numbers))
    np.testing.assert_array_equal(out, rows * 10)
    np.testing.assert_array_equal(seen[0][:, 0], np.argsort(numbers))

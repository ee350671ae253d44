import math
from pathlib import Path

import numpy as np
import pytest
from keras import ops

import tfssl
from tfssl.layers.positions import resize_grid

REFERENCE = np.load(Path(__file__).parents[1] / "references" / "timm.npz")


@pytest.mark.parametrize("grid", [(6, 6), (14, 7), (16, 20), (3, 3)])
def test_positions_are_interpolated_as_torch_does_it(grid):
    table = np.random.default_rng(0).normal(size=(196, 8)).astype("float32")
    expected = REFERENCE[f"positions_{grid[0]}_{grid[1]}"]
    resized = resize_grid((14, 14), grid) @ table
    np.testing.assert_allclose(resized, expected, atol=1e-5)


def test_an_interpolated_table_of_the_same_size_is_the_table():
    np.testing.assert_allclose(resize_grid((3, 5), (3, 5)), np.eye(15), atol=1e-7)


def test_sines_and_cosines():
    """The columns in the first half, the rows in the second, by the formula."""
    table = tfssl.layers.sincos_positions(3, 5, 16)
    for row in range(3):
        for column in range(5):
            expected = [
                wave(place * 10000 ** (-i / 4))
                for place in (column, row)
                for wave in (math.sin, math.cos)
                for i in range(4)
            ]
            np.testing.assert_allclose(table[5 * row + column], expected, atol=1e-6)


def test_each_token_gets_the_position_of_its_place():
    layer = tfssl.layers.Positions((2, 3), "sincos")
    x = np.random.default_rng(0).normal(size=(2, 2, 3, 8)).astype("float32")
    expected = x.reshape(2, 6, 8) + tfssl.layers.sincos_positions(2, 3, 8)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, atol=1e-6)
    assert layer.trainable_weights == []

import numpy as np
import pytest
from keras import ops

import tfssl

GOLDEN = {
    (1, 1, 1): (100, 0, 0),
    (1, 0, 0): (53.24, 80.09, 67.20),
    (0, 1, 0): (87.73, -86.18, 83.18),
    (0, 0, 1): (32.30, 79.19, -107.86),
    (0, 0, 0): (0, 0, 0),
}


@pytest.mark.parametrize("rgb", GOLDEN)
def test_golden_colours(rgb):
    lab = tfssl.layers.rgb_to_lab(np.array([rgb], "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(lab)[0], GOLDEN[rgb], atol=0.02)


def test_dark_colours_are_linear():
    """Below the knee: L = 116 * 7.787 Y, and grey has no colour."""
    grey = np.full((1, 3), 0.01, "float32")
    luminance, a, b = ops.convert_to_numpy(tfssl.layers.rgb_to_lab(grey))[0]
    assert luminance == pytest.approx(116 * 7.787 * 0.01 / 12.92, rel=1e-4)
    assert abs(a) < 1e-2 and abs(b) < 1e-2


def test_grey_images_have_no_colour_but_luminance():
    grey = np.arange(0, 256, dtype="uint8").reshape(1, 16, 16, 1).repeat(3, -1)
    luminance, colors = tfssl.layers.SplitImage("lab")(grey)
    # Standardised: (0 - mean) / std.
    expected = np.array([-6.025 / 92.208, 6.6895 / 101.1675])
    np.testing.assert_allclose(colors[0, 3, 3], expected, atol=2e-4)
    assert float(ops.min(luminance)) == pytest.approx(-1, abs=1e-5)
    assert float(ops.max(luminance)) == pytest.approx(1, abs=1e-3)


def test_halves():
    x = np.zeros((1, 4, 2, 3), "float32")
    x[:, 2:] = 255
    upper, lower = tfssl.layers.SplitImage("halves")(x)
    assert upper.shape == lower.shape == (1, 2, 2, 1)
    np.testing.assert_allclose(upper, 0)
    np.testing.assert_allclose(lower, 1, atol=1e-6)
    with pytest.raises(ValueError, match="Received: 5 x 4"):
        tfssl.layers.SplitImage("halves").view_shapes(5, 4)
    with pytest.raises(ValueError, match="Received: 5 x 4"):
        tfssl.layers.SplitImage("halves")(np.zeros((1, 5, 4, 3), "float32"))
    with pytest.raises(ValueError, match="Received: 'rgb'"):
        tfssl.layers.SplitImage("rgb")

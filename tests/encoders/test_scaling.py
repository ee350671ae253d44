import keras
import numpy as np
import pytest

from tfssl import encoders


def test_pixel_scaling():
    pixels = np.array([[[[0.0, 127.5, 255.0]]]], "float32")
    scaled = keras.ops.convert_to_numpy(encoders.pixel_scaling()(pixels))
    np.testing.assert_allclose(scaled.ravel(), [0, 0.5, 1])
    standard = encoders.pixel_scaling((0.5, 0.4, 0.3), (0.1, 0.2, 0.25))(pixels)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(standard).ravel(), [-5, 0.5, 2.8], rtol=1e-5
    )
    with pytest.raises(ValueError, match="go together"):
        encoders.pixel_scaling(mean=(0, 0, 0))

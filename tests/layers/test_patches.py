import numpy as np
import pytest
from keras import ops

import tfssl


def test_patches_are_cuts_of_the_images():
    x = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype("float32")
    patches = ops.convert_to_numpy(tfssl.layers.Patches(4, 2)(x))
    cuts = [
        image[row : row + 4, column : column + 4]
        for image in x
        for row in (0, 2, 4)
        for column in (0, 2, 4, 6, 8)
    ]
    np.testing.assert_array_equal(patches, cuts)


def test_what_does_not_fill_the_image_is_refused():
    with pytest.raises(ValueError, match="next smaller side that works is 8"):
        tfssl.layers.Patches(4, 2).grid(9, 9)
    with pytest.raises(ValueError, match="Received: images of 3 x 8"):
        tfssl.layers.Patches(4, 2).grid(3, 8)
    with pytest.raises(ValueError, match="The smallest side that works is 12"):
        tfssl.layers.Patches(12, 4).grid(8, 16)


@pytest.mark.parametrize("name, value", [("size", 0), ("stride", 0), ("stride", 1.5)])
def test_patches_have_a_size_and_a_stride(name, value):
    with pytest.raises(ValueError, match=f"{name} must be.*Received: {name}={value}"):
        tfssl.layers.Patches(**{"size": 8, "stride": 4, name: value})

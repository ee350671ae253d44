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

import numpy as np
from keras import ops

import tfssl


def test_a_grid_is_the_features_of_its_patches():
    net = tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer")
    encoder = tfssl.encoders.patch_grid(net, 16)
    x = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    grid = ops.convert_to_numpy(encoder(x))
    assert grid.shape == (2, 3, 3, 32)
    patch = ops.convert_to_numpy(net(x[1:, 4:12, 8:16]))[0]
    np.testing.assert_allclose(grid[1, 1, 2], patch, rtol=1e-4, atol=1e-5)

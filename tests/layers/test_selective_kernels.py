import numpy as np
from keras import ops

from tfssl.layers import MixHalves, SqueezeHalves


def test_squeezing_and_mixing_two_branches():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 2, 4, 5, 3)).astype("float32")
    both = np.concatenate([a, b], axis=-1)
    squeezed = ops.convert_to_numpy(SqueezeHalves()(both))
    expected = (a + b).mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(squeezed, expected, atol=1e-6)

    of_a, of_b = random.normal(size=(2, 2, 1, 1, 3)).astype("float32")
    scores = np.concatenate([of_a, of_b], axis=-1)
    weights = np.exp([of_a, of_b]) / np.exp([of_a, of_b]).sum(axis=0)
    mixed = ops.convert_to_numpy(MixHalves()(both, scores))
    np.testing.assert_allclose(mixed, weights[0] * a + weights[1] * b, atol=1e-6)

import keras
import numpy as np
import pytest
from cases import encoder
from conftest import CARD

import tfssl
from tfssl.zoo import FormatError
from tfssl.zoo.fingerprint import TOLERANCE, deviation, fingerprint, probe_images

pytestmark = pytest.mark.usefixtures("eager")


def test_probe_images_are_the_formula():
    images = probe_images(5, 8)
    assert images.shape == (4, 5, 8, 3) and images.dtype == np.float32
    for n, y, x, c in ((0, 0, 0, 0), (3, 4, 7, 2), (1, 2, 3, 1)):
        angle = (c + 1) * y / 5 + (n + 1) * x / 8 + n * c / 7
        np.testing.assert_allclose(
            images[n, y, x, c], 127.5 + 127.5 * np.sin(2 * np.pi * angle), atol=1e-4
        )
    assert images.min() >= 0 and images.max() <= 255
    assert len(np.unique(images.reshape(4, -1), axis=0)) == 4


def test_it_is_of_all_features():
    model = encoder()
    kept = fingerprint(model)
    out = keras.ops.convert_to_numpy(model(probe_images(16, 16), training=False))
    np.testing.assert_allclose(kept["features"], out[:, :8], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(kept["norm"], np.linalg.norm(out, axis=1), rtol=1e-5)
    assert deviation(model, kept) < 1e-5


@pytest.mark.parametrize("change", [("scale", 1 / 256), ("padding", "valid")])
def test_a_change_of_the_computation_is_noticed(change):
    """As another version of a layer might compute."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.MaxPooling2D(3, 2, "same"),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    kept = fingerprint(model)
    assert deviation(model, kept) < 1e-5
    (layer,) = [layer for layer in model.layers if hasattr(layer, change[0])]
    setattr(layer, *change)
    assert deviation(model, kept) > TOLERANCE


def test_networks_of_any_size_and_those_that_do_not_tell():
    any_size = keras.Input((None, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(any_size)
    assert fingerprint(keras.Model(any_size, mean))["size"] == [64, 32]

    class Subclass(keras.Model):
        def call(self, images):
            return images[:, 0, 0]

    assert fingerprint(Subclass()) is None
    image = keras.Input((8, 8, 3))
    assert fingerprint(keras.Model(image, [image[:, 0, 0], image[:, 1, 1]])) is None


@pytest.mark.parametrize(
    "kept",
    [
        3,
        {},
        {"size": [16, 16], "norm": [1.0] * 4, "features": [[1.0]] * 3},
        {"size": [16], "norm": [1.0] * 4, "features": [[1.0] * 8] * 4},
        {"size": [16, 16], "norm": ["a"] * 4, "features": [[1.0] * 8] * 4},
    ],
)
def test_what_is_no_fingerprint_is_refused(kept):
    with pytest.raises(FormatError, match="no fingerprint"):
        deviation(encoder(), kept)


def test_an_encoder_that_diverged_is_not_published(tmp_path):
    image = keras.Input((8, 8, 3))
    features = keras.layers.GlobalAveragePooling2D()(image)
    scale = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(image, scale(features))
    scale.kernel.assign(np.full((3, 2), 1e38))
    with pytest.raises(ValueError, match="no finite numbers"):
        tfssl.zoo.publish(model, "large", zoo=tmp_path, card=CARD)
    assert list(tmp_path.iterdir()) == []

import sys

import keras
import numpy as np
import pytest
from cases import SIZE, encoder, images, make

from tfssl.training import fit_images
from tfssl.transfer import classifier, features, predict

LARGE = np.random.default_rng(0).integers(0, 256, (11, 24, 40, 3), "uint8")


def test_images_of_another_size_are_fitted():
    network = encoder()
    fitted = np.asarray(fit_images(LARGE, (SIZE, SIZE)))
    found = features(network, LARGE, batch_size=4)
    assert found.dtype == np.float32 and found.shape == (11, 128)
    np.testing.assert_allclose(found, network.predict(fitted, verbose=0), atol=1e-4)


def test_a_method_has_the_features_of_its_encoder():
    model = make("simclr")
    np.testing.assert_allclose(
        features(model, LARGE), features(model.encoder, LARGE), atol=1e-4
    )


def test_batches_change_nothing():
    network, x = encoder(), images(11)
    whole = features(network, x)
    for batch_size in (1, 4, 11):
        np.testing.assert_allclose(features(network, x, batch_size), whole, atol=1e-4)


@pytest.mark.parametrize(
    ("taken", "side", "rows"), [(None, 64, 500), (None, 224, 83), (224, 24, 83)]
)
def test_large_images_go_through_in_smaller_batches(taken, side, rows):
    """By the size that the network takes, or that of the images if it takes any."""
    image = keras.Input((taken, taken, 3))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    seen = set()

    def predict_batches(batches, verbose):
        seen.add(batches.batch_size)
        return np.zeros((len(batches.images), 3))

    model.predict = predict_batches
    x = np.broadcast_to(np.zeros((), "uint8"), (600, side, side, 3))
    assert features(model, x).shape == (600, 3)
    features(model, x, batch_size=7)
    assert seen == {rows, 7}


def test_what_a_network_gives_is_held_in_pieces(monkeypatch):
    """Of maps only their means are held, and of all a few batches by Keras."""
    module = sys.modules["tfssl.transfer.features"]
    image = keras.Input((SIZE, SIZE, 3))
    maps = keras.Model(image, keras.layers.Conv2D(5, 3)(image))
    x, held = images(11), []
    whole, maps_of_all = features(maps, x), predict(maps, x)
    assert whole.shape == (11, 5) and maps_of_all.shape == (11, SIZE - 2, SIZE - 2, 5)
    predict_batches = maps.predict

    def watched(batches, **kwargs):
        held.append(len(batches.images))
        return predict_batches(batches, **kwargs)

    monkeypatch.setattr(module, "_BATCHES", 2)
    maps.predict = watched
    np.testing.assert_allclose(features(maps, x, 2), whole, atol=1e-3)
    np.testing.assert_allclose(predict(maps, x, 2), maps_of_all, atol=1e-3)
    assert held == [4, 4, 3] * 2


def test_a_memory_map_is_read_a_batch_at_a_time(tmp_path):
    np.save(tmp_path / "images.npy", LARGE)
    network = encoder()
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(
        features(network, mapped, 4), features(network, LARGE, 4)
    )


def test_predict_gives_the_logits():
    model = classifier(encoder(), 3)
    kernel = model.layers[-1].kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    x = images(5)
    np.testing.assert_allclose(predict(model, x, 2), np.asarray(model(x)), atol=1e-3)


def test_bad_images_are_refused():
    with pytest.raises(ValueError, match="Multiply the images by 255"):
        features(encoder(), images(4) / 255.0)
    with pytest.raises(ValueError, match=r"shape \(4, 16, 16, 1\)"):
        predict(encoder(), images(4)[..., :1])

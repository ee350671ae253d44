"""One step of pretraining with any encoder."""

import keras
import numpy as np

import tfssl


def images(size=32, n=4, seed=0):
    shape = (n, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def pretrained_one_step(encoder, path, size=32, eagerly=False):
    """SimCLR takes a step with it; saved and loaded, it gives the same features."""
    views = tfssl.views.SimCLRViews(size)
    model = tfssl.methods.SimCLR(encoder, views, projector=(8,))
    # Large networks are not worth tracing for one step.
    model.compile("adam", run_eagerly=eagerly)
    weights = model.encoder.trainable_weights
    before = [np.array(w) for w in weights]
    model.fit(images(size).astype("uint8"), batch_size=4, epochs=1, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, weights, strict=True)]
    assert np.mean(moved) > 0.9
    model.encoder.save(path / "encoder.keras")
    loaded = keras.saving.load_model(path / "encoder.keras")
    x = images(size, seed=1)
    np.testing.assert_allclose(loaded(x), model.encoder(x), rtol=1e-5, atol=1e-5)
    return model.encoder

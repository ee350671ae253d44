import keras
import numpy as np
import pytest
from cases import encoder, images

from tfssl.transfer import classifier, copy_of, features, reinitialized

X, Y = images(32), np.arange(32) % 3


def weights(model):
    return [np.array(w) for w in model.get_weights()]


def trained(model):
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    return model


def inner(model):
    """The encoder inside of a classifier."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def test_frozen_means_bitwise_unchanged():
    start = encoder()
    model = trained(classifier(start, 3, trainable=False))
    for before, after in zip(weights(start), weights(inner(model)), strict=True):
        np.testing.assert_array_equal(before, after)
    assert np.abs(model.get_layer("logits").get_weights()[0]).max() > 0


def test_fine_tuning_changes_weights_and_statistics_but_not_yours():
    start = encoder()
    before = weights(start)
    model = trained(classifier(start, 3, trainable=True))
    for a, b in zip(before, weights(start), strict=True):
        np.testing.assert_array_equal(a, b)
    for variable, old in zip(inner(model).weights, before, strict=True):
        moved = np.abs(keras.ops.convert_to_numpy(variable) - old).max()
        assert moved > 0, variable.path


def test_before_any_step_both_modes_give_the_same():
    start = encoder()
    frozen, full = (classifier(start, 3, trainable=t) for t in (False, True))
    full.set_weights(frozen.get_weights())
    np.testing.assert_array_equal(
        frozen.predict(X, verbose=0), full.predict(X, verbose=0)
    )
    # The last layer starts at zero: log 3 is the first loss.
    np.testing.assert_array_equal(full.predict(X, verbose=0), 0)


def test_feature_maps_are_pooled():
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Conv2D(5, 3)(image))
    assert classifier(model, 4).output_shape == (None, 4)
    maps = model.predict(X, verbose=0)
    np.testing.assert_allclose(features(model, X), maps.mean((1, 2)), atol=1e-3)


def test_copies():
    start = encoder()
    for a, b in zip(weights(start), weights(copy_of(start)), strict=True):
        np.testing.assert_array_equal(a, b)
    fresh = weights(reinitialized(start))
    kernels = [i for i, w in enumerate(fresh) if w.ndim == 4]
    assert all(not np.allclose(fresh[i], weights(start)[i]) for i in kernels)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="num_classes"):
        classifier(encoder(), 1)


@pytest.mark.matrix
def test_any_keras_application_will_do():
    model = keras.applications.MobileNetV3Small(
        (32, 32, 3), weights=None, include_top=False, pooling="avg"
    )
    assert classifier(model, 5).output_shape == (None, 5)
    assert features(model, np.repeat(np.repeat(X, 2, 1), 2, 2)).shape == (32, 576)

"""Encoders at other sizes than their own."""

import keras
import numpy as np
import pytest
from keras import ops

import tfssl
from tfssl.encoders import at_size


def numpy(x):
    return ops.convert_to_numpy(x)


def network(size=16):
    return tfssl.encoders.resnet10(size, stem="small", width=4)


def nested():
    image = keras.Input((16, 16, 3))
    inner = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3)])
    x = inner(network_map()(image) * 1.0)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))


def network_map():
    image = keras.Input((16, 16, 3))
    return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same")(image))


def sequential():
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            tfssl.encoders.pixel_scaling(),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )


@pytest.mark.parametrize("make", [network, nested, sequential])
@pytest.mark.parametrize("training", [False, True])
def test_it_computes_what_one_of_that_size_would(make, training):
    encoder = make()
    variables = list(encoder.weights)
    small = at_size(encoder, (8, 12))
    assert small.input_shape == (None, 8, 12, 3)
    # The same weights, and no new ones.
    assert {id(v) for v in small.weights} == {id(v) for v in variables}
    assert encoder.input_shape == (None, 16, 16, 3)
    assert [id(v) for v in encoder.weights] == [id(v) for v in variables]
    assert at_size(encoder, (8, 12)) is small and at_size(encoder, 16) is encoder
    x = np.random.default_rng(0).uniform(0, 255, (4, 8, 12, 3)).astype("float32")
    assert np.isfinite(numpy(small(x, training=False))).all()
    if make is network:
        other = network((8, 12))
        other.set_weights(encoder.get_weights())
        np.testing.assert_allclose(
            numpy(small(x, training=training)),
            numpy(other(x, training=training)),
            atol=1e-5,
        )
        # Its statistics are those of the encoder, which moved.
        for a, b in zip(encoder.weights, other.weights, strict=True):
            np.testing.assert_allclose(numpy(a), numpy(b), atol=1e-6, err_msg=a.path)


def test_an_encoder_is_saved_as_if_there_were_no_other_size(tmp_path):
    encoder = network()
    config = encoder.get_config()
    at_size(encoder, 8)
    assert encoder.get_config() == config
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    x = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(encoder(x)))
    assert loaded.input_shape == (None, 16, 16, 3)


def test_one_for_any_size_is_taken_as_it_is():
    encoder = network(None)
    assert at_size(encoder, 8) is encoder


def test_one_that_only_fits_its_size_is_refused():
    encoder = tfssl.encoders.dim_cnn(16, width=4, dim=8)
    with pytest.raises(ValueError, match=r"dim_cnn works on .*Received: .*\(8, 8\)"):
        at_size(encoder, 8)

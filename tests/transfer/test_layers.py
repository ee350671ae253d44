import keras
import numpy as np
import pytest
from cases import encoder, images, make

from tfssl.encoders import output_of
from tfssl.transfer import feature_model, features


def network(size=6):
    """An encoder whose layers are its pixels, so that maps can be made by hand."""
    x = inputs = keras.Input((size, size, 3))
    x = keras.layers.Identity(name="pixels")(x)
    x = keras.layers.Rescaling(0.01, name="small")(x)
    x = keras.layers.Reshape((size * size, 3), name="tokens")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pooled")(x)
    return keras.Model(inputs, x)


X = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), "uint8")
# A map of 3 x 3, its three channels the same.
MAP = np.repeat(np.arange(9).reshape(1, 3, 3, 1), 3, axis=-1).astype("uint8")


def found(layer, pool=None, x=X):
    return features(network(x.shape[1]), x, layer=layer, pool=pool)


def test_a_map_by_hand():
    # 0 1 2 / 3 4 5 / 6 7 8: the middle row and column are in both of their cells.
    for pool, values in {"mean": [4], "max": [8], "grid2": [2, 3, 5, 6]}.items():
        expected = np.repeat(values, 3)[None]
        np.testing.assert_allclose(found("pixels", pool, MAP), expected, atol=1e-5)
    np.testing.assert_array_equal(found("pixels", x=MAP), MAP.reshape(1, -1))


def test_four_cells_are_the_means_of_quarters():
    quarters = [X[:, r : r + 3, c : c + 3] for r in (0, 3) for c in (0, 3)]
    expected = np.concatenate([q.mean(axis=(1, 2)) for q in quarters], axis=1)
    np.testing.assert_allclose(found("pixels", "grid2"), expected, rtol=1e-5)


@pytest.mark.parametrize("pool, moves", [("mean", True), ("max", True), (None, False)])
def test_what_is_pooled_does_not_see_where(pool, moves):
    places = np.random.default_rng(1).permutation(36)
    moved = X.reshape(5, 36, 3)[:, places].reshape(X.shape)
    for layer in ("small", "tokens"):
        same = np.allclose(found(layer, pool), found(layer, pool, moved), atol=1e-4)
        assert same == moves


def test_four_cells_see_where_but_not_within_a_cell():
    mirrored = X[:, :, ::-1]
    left, right = np.split(found("pixels", "grid2").reshape(5, 2, 2, 3), 2, axis=2)
    swapped = np.concatenate([right, left], axis=2).reshape(5, -1)
    np.testing.assert_allclose(found("pixels", "grid2", mirrored), swapped, rtol=1e-5)


def test_each_of_several_layers_has_the_length_1():
    both = found(["pixels", "pooled"], "mean")
    assert both.shape == (5, 6) and both.dtype == np.float32
    np.testing.assert_allclose((both[:, :3] ** 2).sum(1), 1, rtol=1e-5)
    for part, layer in ((both[:, :3], "pixels"), (both[:, 3:], "pooled")):
        one = found(layer, "mean" if layer == "pixels" else None)
        unit = one / np.linalg.norm(one, axis=1, keepdims=True)
        np.testing.assert_allclose(part, unit, rtol=1e-5)
    # A list of one layer is that layer.
    np.testing.assert_array_equal(found(["pixels"], "max"), found("pixels", "max"))


def first_map(net):
    return next(x.name for x in net.layers if isinstance(x, keras.layers.ReLU))


def test_layers_of_an_encoder_and_of_a_method():
    net, x = encoder(), images(4)
    layer = first_map(net)
    maps = keras.Model(net.input, output_of(net, layer)).predict(x, verbose=0)
    pooled = features(net, x, layer=layer, pool="mean")
    np.testing.assert_allclose(pooled, maps.mean(axis=(1, 2)), atol=1e-4)
    flat = features(net, x, layer=layer)
    np.testing.assert_allclose(flat, maps.reshape(4, -1), atol=1e-4)
    model = make("simclr")
    layer = first_map(model.encoder)
    np.testing.assert_allclose(
        features(model, x, layer=layer, pool="max"),
        features(model.encoder, x, layer=layer, pool="max"),
    )


def test_without_a_layer_the_output_is_pooled():
    net = network()
    maps = keras.Model(net.input, output_of(net, "pixels"))
    plain = features(maps, X)
    np.testing.assert_allclose(plain, X.mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(features(maps, X, pool="mean"), plain, rtol=1e-5)
    np.testing.assert_array_equal(features(maps, X, pool="max"), X.max(axis=(1, 2)))
    assert feature_model(net).output_shape == (None, 3)


@pytest.mark.parametrize(
    "layer, pool, message",
    [
        ("none", None, "no layer 'none'"),
        ([], None, r"at least one layer.* Received: \[\]"),
        ("pixels", "sum", "pool must be one of .*grid2.* Received: 'sum'"),
        ("pooled", "mean", "of maps.* Received: vectors from pooled"),
        (None, "mean", "of maps.* Received: vectors from the output"),
        ("tokens", "grid2", r"known height.* Received: tokens, .*\(None, 36, 3\)"),
    ],
)
def test_what_gives_no_features_is_refused(layer, pool, message):
    with pytest.raises(ValueError, match=message):
        feature_model(network(), layer, pool)

"""Parts of encoders are found by their names, also after loading."""

import keras
import numpy as np
import pytest
from keras import ops

import tfssl
from tfssl import encoders


def images(size, n=2):
    return np.random.default_rng(0).uniform(0, 255, (n, size, size, 3)).astype("f")


def numpy(x):
    return ops.convert_to_numpy(x)


def grid():
    net = encoders.resnet10(8, stem="small", width=4, norm="layer", name="mine")
    return encoders.patch_grid(net, 16)


def pair():
    halves = [encoders.dim_cnn((8, 16), 4, 8, channels=1) for _ in range(2)]
    return encoders.split_pair(*halves, 16, "halves")


def test_the_parts_of_a_grid():
    encoder = grid()
    patches = encoders.part(encoder, "patches")
    net = encoders.part(encoder, "patch_encoder")
    assert (patches.size, patches.stride) == (8, 4)
    x = images(16)
    features = numpy(net(patches(x))).reshape(encoder(x).shape)
    np.testing.assert_allclose(features, encoder(x), rtol=1e-5, atol=1e-5)


def test_the_parts_of_a_pair():
    encoder = pair()
    split, *views = (encoders.part(encoder, n) for n in ("split", "view_1", "view_2"))
    x = images(16)
    features = [view(half) for view, half in zip(views, split(x), strict=True)]
    np.testing.assert_allclose(ops.concatenate(features, -1), encoder(x), rtol=1e-5)


@pytest.mark.parametrize(
    "make, before",
    [
        (lambda: encoders.resnet10(16, stem="small", width=4), "stage4_block1_out"),
        (lambda: encoders.resnet10(64, width=4, pooling=False), "stage4_block1_out"),
        (lambda: encoders.context_cnn(16, 4, 8), "relu2"),
        (lambda: encoders.alexnet(67, 3), "pool5"),
    ],
)
def test_the_local_map(make, before):
    encoder = make()
    both = [encoders.output_of(encoder, name) for name in ("local", before)]
    assert len(both[0].shape) == 4
    x = images(encoder.input_shape[1])
    local, last = map(numpy, keras.Model(encoder.input, both)(x))
    np.testing.assert_array_equal(local, last)


def test_the_local_map_of_a_resnet_is_what_its_features_are_the_mean_of():
    encoder = encoders.resnet10(32, stem="small", width=4)
    x = images(32)
    local = keras.Model(encoder.input, encoders.output_of(encoder, "local"))(x)
    np.testing.assert_allclose(
        ops.mean(local, axis=(1, 2)), encoder(x), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    "make, names",
    [
        (grid, ["patches", "patch_encoder"]),
        (pair, ["split", "view_1", "view_2"]),
        (lambda: encoders.alexnet(67, 3), ["local"]),
    ],
)
def test_names_are_saved_and_loaded(make, names, tmp_path):
    encoder = make()
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    for name in names:
        a, b = (encoders.part(e, name) for e in (encoder, loaded))
        assert type(a) is type(b)
        for w, v in zip(a.get_weights(), b.get_weights(), strict=True):
            np.testing.assert_array_equal(w, v)


def test_a_missing_part_is_named_with_those_that_are_there():
    with pytest.raises(ValueError) as error:
        encoders.part(pair(), "patches", "CPC needs it.")
    assert "tfssl.encoders.patch_grid makes it. CPC needs it. Rec" in str(error.value)
    assert str(error.value).endswith(
        "Received: a model with the parts split, view_1, view_2"
    )
    with pytest.raises(ValueError, match="no part 'mine'. Make it. Received: a model"):
        encoders.part(pair(), "mine", "Make it.")
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, name="a")(image)
    x = keras.layers.ReLU(name="b")(x)
    plain = keras.Model(image, keras.layers.Flatten()(x))
    with pytest.raises(ValueError, match="no named parts, and maps from a, b$"):
        encoders.part(plain, "local")
    bare = keras.Model(image, keras.layers.Flatten()(image))
    with pytest.raises(ValueError, match="no named parts, and maps from no layer$"):
        encoders.part(bare, "local")


def test_a_cut_shares_its_weights():
    encoder = encoders.dim_cnn(16, width=4, dim=8)
    conv = encoders.cut(encoder, "conv")
    x = images(16)
    before = numpy(conv(x))
    assert before.shape == (2, 64)
    for w in encoder.weights:
        w.assign(w + 0.1)
    assert not np.allclose(numpy(conv(x)), before)
    with pytest.raises(ValueError, match="no layer 'nine'. Received"):
        encoders.cut(encoder, "nine")


def test_a_model_inside_of_an_encoder_is_cut_where_it_is_used():
    """Its own output is that of another input."""
    encoder = grid()
    output = encoders.output_of(encoder, "patch_encoder")
    assert output.shape == (None, 32)
    x = images(16)
    features = numpy(encoders.cut(encoder, "patch_encoder")(x))
    np.testing.assert_array_equal(features, numpy(encoder(x)).reshape(-1, 32))


def test_a_layer_of_two_networks_is_cut_in_each():
    conv = keras.layers.Conv2D(2, 3, name="conv")
    small, large = keras.Input((4, 4, 3)), keras.Input((8, 8, 3))
    networks = [keras.Model(x, conv(x)) for x in (small, large)]
    assert [encoders.cut(n, "conv").output_shape[1] for n in networks] == [8, 72]


def test_a_sequential_is_not_functional_and_can_be_made_so():
    layers = [keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3, name="c")]
    encoder = keras.Sequential(layers)
    with pytest.raises(ValueError, match="must be a functional .*Sequential$"):
        encoders.cut(encoder, "c")
    assert encoders.cut(tfssl.encoders.adapt(encoder), "local").output_shape == (
        None,
        8,
    )

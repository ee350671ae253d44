"""Networks of Keras's own layers compute what those of tfssl's layers compute."""

import keras
import numpy as np
import pytest
from cases import one_of_each_kind

import tfssl
from tfssl.encoders import resnet_blocks
from tfssl.zoo.keras_layers import in_keras_layers
from tfssl.zoo.plain import foreign_parts, needed_imports


def vit(size=16, **options):
    return tfssl.encoders.vit(size, width=8, depth=1, heads=2, **options)


def patch_grid():
    network = tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer")
    return tfssl.encoders.patch_grid(network, image_size=16)


def split_pair(split):
    sizes = {"lab": (16, 16), "halves": (8, 8)}[split]
    halves = (
        tfssl.encoders.dim_cnn((size, 16), width=4, dim=8, channels=channels)
        for size, channels in zip(sizes, (1, 2 if split == "lab" else 1), strict=True)
    )
    return tfssl.encoders.split_pair(*halves, 16, split)


def selective_kernels():
    """A block of `sk_resnet50`, for images of any size."""
    build = resnet_blocks.Builder("batch", True, False, selective_kernels=True)
    image = keras.Input((None, None, 3))
    x = resnet_blocks.bottleneck_block(build, image, 8, 2, "block")
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))


def classifier():
    network = tfssl.transfer.classifier(vit(), num_classes=3)
    return tfssl.transfer.ImageClassifier(network, ["a", "b", "c"])


def chain():
    return keras.Sequential([vit(), keras.layers.Dense(3)])


ENCODERS = {
    "class token": vit,
    "mean, without a class token": lambda: vit(class_token=False, pool="mean"),
    "mean, fixed positions": lambda: vit(pool="mean", positions="sincos"),
    "blocks that are left out": lambda: vit(drop_path=0.5),
    "interpolated positions": lambda: tfssl.encoders.at_size(vit((16, 24)), (12, 16)),
    "selective kernels": selective_kernels,
    "patches": patch_grid,
    "colours": lambda: split_pair("lab"),
    "halves": lambda: split_pair("halves"),
    "in a classifier": classifier,
    "in a chain": chain,
}

QUICK = ("class token", "mean, fixed positions", "in a chain")


def trained(model, seed=0):
    """The model with weights that differ from their first values."""
    random = np.random.default_rng(seed)
    model.set_weights(
        [
            random.uniform(0.1, 0.3, w.shape) if w.dtype == np.float32 else w
            for w in model.get_weights()
        ]
    )
    return model


def outputs(model, n=3):
    shape = [side or 20 for side in model.input_shape[1:3]]
    x = np.random.default_rng(1).uniform(0, 255, (n, *shape, 3)).astype("float32")
    return keras.ops.convert_to_numpy(model(x, training=False))


def check(model):
    before = outputs(trained(model))
    assert needed_imports(model)
    copy = in_keras_layers(model)
    assert needed_imports(copy) == foreign_parts(copy) == []
    # As it is when it was saved and loaded.
    config = keras.saving.serialize_keras_object(copy)
    loaded = keras.saving.deserialize_keras_object(config)
    loaded.set_weights(copy.get_weights())
    for made in (copy, loaded):
        found = outputs(made)
        assert found.shape == before.shape
        np.testing.assert_allclose(
            found, before, rtol=1e-5, atol=1e-5 * np.abs(before).max()
        )
    assert copy.name == model.name
    # Shares nothing: the model is not changed with its copy.
    trained(copy, seed=2)
    np.testing.assert_array_equal(outputs(model), before)


@pytest.mark.parametrize("name", one_of_each_kind(ENCODERS, QUICK))
def test_they_compute_the_same(name):
    check(ENCODERS[name]())


def test_parts_keep_their_names_and_learn():
    model = vit(positions="learned")
    copy = in_keras_layers(model)
    names = [layer.name for layer in model.layers]
    assert [layer.name for layer in copy.layers] == names
    assert copy.get_layer("positions").trainable_weights
    fixed = in_keras_layers(vit(positions="sincos"))
    assert not fixed.get_layer("positions").trainable_weights


def test_a_layer_that_is_called_twice_stays_one():
    image = keras.Input((16, 8, 3))
    block = tfssl.layers.TransformerBlock(2)
    x = keras.layers.Reshape((16, 24))(image)
    model = keras.Model(image, block(block(x)))
    copy = in_keras_layers(trained(model))
    assert copy.count_params() == model.count_params()
    np.testing.assert_allclose(outputs(copy), outputs(model), rtol=1e-5)


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable("tests")
def tripled(x):
    return 3 * x


def test_layers_of_others_are_named():
    image = keras.Input((16, 16, 3))
    x = Doubled(name="mine")(vit()(image))
    x = keras.layers.Dense(2, activation=tripled)(x)
    with pytest.raises(ValueError, match="Keras alone does not know") as refused:
        in_keras_layers(keras.Model(image, x, name="of_others"))
    message = str(refused.value)
    assert message.startswith("of_others has layers")
    assert f"mine, a Doubled of {__name__}" in message
    assert f"tripled, a function of {__name__}" in message
    assert "tfssl.layers" not in message

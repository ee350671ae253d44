"""A copy in Keras's own layers computes the same, and loads without tfssl."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from cases import encoder, images
from conftest import CARD

import tfssl
from tfssl.zoo.plain import needed_imports, plain_keras


def trained(model, seed=0):
    """The model with weights of which none is 0 or 1, as after training."""
    random = np.random.default_rng(seed)
    weights = [random.uniform(0.1, 0.3, w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    return model


def outputs(model, x=None):
    x = images(8) if x is None else x
    return keras.ops.convert_to_numpy(model(x, training=False))


def same(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


def norms(model):
    """All normalisation layers, in nested models too."""
    layers = model._flatten_layers()
    return [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]


@pytest.mark.parametrize(
    "norm",
    [
        tfssl.layers.BatchNormalization(),
        tfssl.layers.BatchNormalization(0.7, 0.1, synchronized=False, center=False),
        tfssl.layers.SplitBatchNormalization(4, momentum=0.6, scale=False),
    ],
    ids=["batch", "local", "split"],
)
def test_the_layers_are_keras_s_and_compute_the_same(norm):
    model = trained(encoder(norm))
    model.layers[3].trainable = False
    copy = plain_keras(model)
    assert needed_imports(copy) == []
    assert len(norms(copy)) == len(norms(model)) == 5
    for layer, before in zip(norms(copy), norms(model), strict=True):
        assert type(layer) is keras.layers.BatchNormalization
        for name in ("name", "epsilon", "momentum", "center", "scale", "trainable"):
            assert getattr(layer, name) == getattr(before, name), name
    same(outputs(copy), outputs(model))
    assert {type(layer) for layer in norms(model)} == {type(norm)}


def test_nested_models_are_copied_likewise():
    image = keras.Input((16, 16, 3))
    inner = keras.Sequential([encoder(), tfssl.heads.projection_head(128, (8, 4))])
    model = trained(keras.Model(image, inner(image)))
    assert needed_imports(model) == ["tfssl.layers.batch_normalization"]
    copy = plain_keras(model)
    assert needed_imports(copy) == []
    same(outputs(copy), outputs(model))


def test_a_copy_is_not_compiled_and_shares_no_weights():
    model = trained(encoder())
    model.compile(tfssl.optimizers.LARS(0.1), "mse")
    before = outputs(model)
    copy = plain_keras(model)
    assert not copy.compiled
    trained(copy, seed=1)
    np.testing.assert_array_equal(outputs(model), before)


@keras.saving.register_keras_serializable("tests")
def halved(x):
    return x / 2


def test_what_keras_does_not_have_is_kept_and_told():
    network = tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer")
    patches = tfssl.encoders.patch_grid(network, image_size=16)
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Activation(halved)(patches(image)))
    copy = plain_keras(model)
    assert needed_imports(copy) == sorted([__name__, "tfssl.layers.patches"])
    np.testing.assert_array_equal(outputs(copy), outputs(model))


# The second encoder needs what its metadata says, and no more.
LOAD = """
import importlib, json, sys
import keras, numpy as np
plain, patches = sys.argv[1:]
x = np.load(plain + "/images.npy")
features = keras.saving.load_model(plain + "/encoder.keras")(x, training=False)
embeddings = keras.saving.load_model(plain + "/projector.keras")(features)
assert "tfssl" not in sys.modules
np.save(plain + "/features.npy", keras.ops.convert_to_numpy(features))
np.save(plain + "/embeddings.npy", keras.ops.convert_to_numpy(embeddings))
for module in json.load(open(patches + "/metadata.json"))["imports"]:
    importlib.import_module(module)
keras.saving.load_model(patches + "/encoder.keras")
"""


@pytest.mark.matrix
def test_published_files_load_where_tfssl_was_never_imported(tmp_path):
    model = trained(encoder(tfssl.layers.SplitBatchNormalization(4)))
    projector = trained(tfssl.heads.projection_head(128, (8, 4)))
    plain = tfssl.zoo.publish(model, "plain", tmp_path, CARD, projector)
    network = tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer")
    grid = tfssl.encoders.patch_grid(network, image_size=16)
    patches = tfssl.zoo.publish(grid, "patches", tmp_path, CARD)
    np.save(plain / "images.npy", images(8))
    command = [sys.executable, "-c", LOAD, str(plain), str(patches)]
    subprocess.run(command, check=True)
    features = outputs(model)
    same(np.load(plain / "features.npy"), features)
    same(np.load(plain / "embeddings.npy"), outputs(projector, features))
    for name, imports in (("plain", []), ("patches", ["tfssl.layers.patches"])):
        assert tfssl.zoo.info(name, tmp_path)["imports"] == imports
    assert "Loads with Keras alone" in (plain / "README.md").read_text()
    card = (patches / "README.md").read_text()
    assert "Import tfssl.layers.patches before loading" in card

"""Models trained in half precision, published to compute in float32."""

import keras
import numpy as np
import pytest

from tfssl.encoders.precision import in_float32


def branches():
    """Two branches of equal shapes, which a copy could mistake for each other."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    a = keras.layers.Conv2D(4, 3, padding="same")(x)
    a = keras.layers.BatchNormalization()(a)
    b = keras.layers.Conv2D(4, 3, padding="same")(x)
    b = keras.layers.BatchNormalization()(b)
    x = keras.layers.Subtract()([keras.ops.relu(a), keras.ops.tanh(b)])
    head = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(5, 1)])
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(head(x)))


def with_random_weights(model, seed=0):
    random = np.random.default_rng(seed)
    model.set_weights([random.uniform(0.2, 1, w.shape) for w in model.weights])
    return model


def images(n=6):
    shape = (n, 8, 8, 3)
    return np.random.default_rng(1).integers(0, 256, shape).astype("float32")


def numpy(x):
    return keras.ops.convert_to_numpy(x)


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("half", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_a_copy_computes_what_the_same_network_computes_in_float32(policy, half):
    policy(half)
    model = with_random_weights(branches())
    assert numpy(model(images())).dtype != np.float32
    copy = in_float32(model)
    assert keras.config.dtype_policy().name == half
    policy("float32")
    plain = branches()
    plain.set_weights([np.asarray(w, "float32") for w in model.get_weights()])

    assert {layer.compute_dtype for layer in copy._flatten_layers()} == {"float32"}
    assert {w.dtype for w in copy.weights} == {"float32"}
    features = numpy(copy(images()))
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, numpy(plain(images())))
    assert numpy(model(images())).dtype != np.float32


def test_a_float32_model_stays_as_it_is():
    model = with_random_weights(branches())
    copy = in_float32(model)
    assert copy is not model
    np.testing.assert_array_equal(numpy(copy(images())), numpy(model(images())))


@keras.saving.register_keras_serializable("tests")
class Composite(keras.layers.Layer):
    """A layer that makes its own layer and does not pass its precision on."""

    def build(self, shape):
        self.dense = keras.layers.Dense(4)
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x)


def test_layers_inside_of_layers_follow(policy):
    policy("mixed_bfloat16")
    model = keras.Sequential([keras.Input((4,)), Composite()])
    assert model.layers[0].dense.compute_dtype == "bfloat16"
    assert in_float32(model).layers[0].dense.compute_dtype == "float32"


def test_other_types_stay():
    image = keras.Input((4, 4, 3), dtype="uint8")
    x = keras.layers.Identity(dtype="uint8")(image)
    x = keras.layers.Rescaling(1 / 255)(x)
    copy = in_float32(keras.Model(image, keras.layers.Flatten()(x)))
    assert copy.inputs[0].dtype == "uint8"
    assert copy.layers[1].compute_dtype == "uint8"


def test_optimizer_and_loss_stay_behind():
    model = branches()
    model.compile("adam", loss=lambda y, z: z)
    assert not in_float32(model).compiled


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(keras.ops.mean(x, axis=(1, 2)))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_subclassed_model(policy):
    policy("mixed_bfloat16")
    model = Subclassed()
    with pytest.raises(ValueError, match="no weights yet"):
        in_float32(model)
    model(images())
    copy = in_float32(model)
    assert copy.dense.compute_dtype == "float32"
    for a, b in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_cannot_be_loaded_safely_is_refused_and_the_policy_kept(policy):
    policy("mixed_bfloat16")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)])
    with pytest.raises(ValueError, match="nobody could load it safely"):
        in_float32(model)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"

import keras
import numpy as np
from keras import ops
from keras.src.applications.convnext import StochasticDepth

from tfssl import layers


def network():
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4),
            layers.BatchNormalization(),
            keras.layers.Dense(2),
        ]
    )


def test_a_copy_is_equal_and_no_gradient_reaches_it():
    model = network()
    copy = layers.frozen_copy(model, "teacher")
    assert copy.name == "teacher" and copy.trainable_variables == []
    assert model.trainable_variables != []
    for a, b in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_copy_normalises_with_its_own_batch():
    copy = layers.frozen_copy(network(), "teacher")
    x = np.random.default_rng(0).normal(5, 2, (64, 3)).astype("float32")
    norm = copy.layers[1]
    y = ops.convert_to_numpy(norm(copy.layers[0](x), training=True))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-4)
    assert np.abs(ops.convert_to_numpy(norm.moving_mean)).max() > 0


def test_it_moves_exactly_and_keeps_its_own_statistics():
    model = network()
    teacher = layers.Teacher(model)
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(1, 2, w.shape) for w in model.weights])
    before, online = teacher.get_weights(), model.get_weights()
    for momentum in (1.0, 0.9, 0.0):
        teacher.update(momentum)
        names = [w.path for w in model.weights]
        after = teacher.get_weights()
        for name, old, new, target in zip(names, before, after, online, strict=True):
            moved = 0 if "moving" in name else (1 - momentum) * (target - old)
            np.testing.assert_allclose(new - old, moved, rtol=1e-5, atol=1e-7)
        before = after


def test_networks_are_called_one_after_the_other_and_maps_are_pooled():
    image = keras.Input((4, 4, 3))
    encoder = keras.Model(image, keras.layers.Conv2D(5, 3)(image))
    head = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    teacher = layers.Teacher(encoder, head)
    x = np.random.default_rng(0).normal(size=(6, 4, 4, 3)).astype("float32")
    expected = head(ops.mean(encoder(x), axis=(1, 2)))
    np.testing.assert_allclose(
        ops.convert_to_numpy(teacher(x)), ops.convert_to_numpy(expected), atol=1e-6
    )
    # Students are no part of it: their weights would be saved twice.
    assert len(teacher.weights) == 4 and teacher.trainable_variables == []


def test_a_copy_leaves_out_no_block_of_keras():
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(3, 1)(inputs)
    x = keras.layers.Dropout(0.5, noise_shape=(None, 1, 1, 1))(x)
    x = StochasticDepth(0.5)(x)
    model = keras.Model(inputs, keras.layers.Add()([inputs, x]))
    copy = layers.frozen_copy(model, "teacher")
    images = np.random.default_rng(0).normal(size=(16, 4, 4, 3)).astype("float32")
    kept, of_copy, trained = (
        ops.convert_to_numpy(made)
        for made in (
            model(images, training=False),
            copy(images, training=True),
            model(images, training=True),
        )
    )
    np.testing.assert_allclose(of_copy, kept, atol=1e-5)
    assert np.abs(trained - kept).max() > 1e-3
    # What is published drops them again where it is trained on.
    assert copy.get_config()["layers"][2:4] == model.get_config()["layers"][2:4]
    assert copy.layers[2].rate == copy.layers[3].drop_path_rate == 0.5


def test_other_dropout_is_that_of_training():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dropout(0.5)])
    copy = layers.frozen_copy(model, "teacher")
    dropped = ops.convert_to_numpy(copy(np.ones((4, 64), "float32"), training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}

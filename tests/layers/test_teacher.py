import keras
import numpy as np
from keras import ops

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

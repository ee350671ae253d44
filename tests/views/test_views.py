import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from tfssl import views
from tfssl.views import fold_in

PRESETS = [
    views.SimCLRViews(16),
    views.SimCLRViews(96),
    views.MultiCropViews(32, num_local=2),
    views.DigitViews(16),
]


def images(n=8, height=24, width=19, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (n, height, width, 3), "uint8")


def numpy(batches):
    return [ops.convert_to_numpy(batch) for batch in batches]


@pytest.mark.parametrize("make", PRESETS, ids=lambda v: type(v).__name__)
def test_views_are_float32_in_the_range_of_pixels(make):
    keras.config.set_dtype_policy("mixed_bfloat16")
    for batch in numpy(make(images(), seed=1)):
        assert batch.dtype == "float32" and batch.shape[0] == 8
        assert batch.min() >= 0 and 1 < batch.max() <= 255


@pytest.mark.parametrize("make", PRESETS, ids=lambda v: type(v).__name__)
def test_the_seed_decides(make):
    first, again, other = (numpy(make(images(), seed=s)) for s in (1, 1, 2))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.allclose(a, c)
    assert not np.allclose(first[0], first[1])


def test_equal_images_get_different_views():
    same = np.repeat(images(1), 6, axis=0)
    (batch, _) = numpy(views.SimCLRViews(16)(same, seed=0))
    for row in range(5):
        assert not np.allclose(batch[row], batch[row + 1])


def test_replicas_draw_different_views():
    make = views.SimCLRViews(16)
    (a, _), (b, _) = (numpy(make(images(), fold_in(0, replica))) for replica in (0, 1))
    assert not np.allclose(a, b)


def test_without_a_seed_the_global_one_is_used():
    make = views.SimCLRViews(16)
    keras.utils.set_random_seed(3)
    first, second = numpy(make(images())), numpy(make(images()))
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(numpy(make(images()))[0], first[0])
    assert not np.allclose(first[0], second[0])


def test_uint8_and_float_images_give_the_same_views():
    make = views.SimCLRViews(16)
    for a, b in zip(
        numpy(make(images(), 0)),
        numpy(make(images().astype("float32"), 0)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", PRESETS, ids=lambda v: type(v).__name__)
def test_config_round_trip(make):
    config = keras.saving.serialize_keras_object(make)
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    for a, b in zip(numpy(make(images(), 0)), numpy(copy(images(), 0)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_views_of_ones_own():
    make = views.Views([[views.RandomResizedCrop((8, 12))], [views.RandomFlip(p=1.0)]])
    config = keras.saving.serialize_keras_object(make)
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    crop, flipped = numpy(copy(images(), 0))
    assert crop.shape == (8, 8, 12, 3) and copy.num_views == 2
    np.testing.assert_allclose(flipped, images()[:, :, ::-1], atol=1e-4)
    with pytest.raises(ValueError, match="pipelines"):
        views.Views([])


def compiled(make):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(lambda x, seed: make(x, seed))
    import tensorflow as tf

    return tf.function(make, jit_compile=True)


@pytest.mark.parametrize("make", PRESETS, ids=lambda v: type(v).__name__)
def test_compiled_views_are_the_same(make):
    key = np.array([3, 4], "int32")
    pairs = zip(
        numpy(make(images(), key)), numpy(compiled(make)(images(), key)), strict=True
    )
    for eager, fast in pairs:
        np.testing.assert_allclose(eager, fast, atol=2e-3)


def test_views_in_a_data_set_are_the_same():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data runs TensorFlow operations")
    make = views.SimCLRViews(16)
    data = tf.data.Dataset.from_tensor_slices(images(6)).batch(4)
    batches = list(data.map(lambda x: make(x, seed=5)))
    assert [len(batch[0]) for batch in batches] == [4, 2]
    expected = numpy(make(images(6)[:4], seed=5))
    np.testing.assert_allclose(batches[0][0].numpy(), expected[0], atol=2e-3)


PROGRAM = """
import sys, numpy as np, keras
from tfssl import views
x = np.random.default_rng(0).integers(0, 256, (8, 24, 19, 3), "uint8")
out = [keras.ops.convert_to_numpy(v) for v in views.SimCLRViews(16)(x, seed=9)]
out += [keras.ops.convert_to_numpy(v) for v in views.DigitViews(16)(x, seed=9)]
np.savez(sys.argv[1], *out)
"""


@pytest.mark.slow
def test_both_backends_make_the_same_views(tmp_path):
    import os

    made = []
    for backend in ("tensorflow", "jax"):
        file = tmp_path / f"{backend}.npz"
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(file)],
            env={**os.environ, "KERAS_BACKEND": backend},
            check=True,
        )
        made.append(np.load(file))
    for name in made[0].files:
        np.testing.assert_allclose(made[0][name], made[1][name], atol=2e-3)

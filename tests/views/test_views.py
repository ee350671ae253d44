import json
import os
import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from keras import ops

import tfssl
from tfssl.views import (
    ColorJitter,
    DigitViews,
    RandomAffine,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
    SimCLRViews,
    Views,
    fold_in,
)

ROOT = pathlib.Path(__file__).parents[2]

# Every transform, and views that are computed as one batch beside one that is not.
ALL = [
    RandomAffine(shift=0.1, fill=0.3),
    RandomResizedCrop(10),
    RandomFlip(),
    ColorJitter(),
    RandomGrayscale(),
    RandomGaussianBlur(),
    RandomSolarize(p=0.3),
]
EVERYTHING = Views([ALL, ALL, [RandomResizedCrop((6, 5), interpolation="bilinear")]])


def arrays(views):
    return [ops.convert_to_numpy(view) for view in views]


def pictures(batch=6, height=14, width=19):
    random = np.random.default_rng(2)
    return random.integers(0, 256, (batch, height, width, 3), "uint8")


@pytest.mark.parametrize("height, width", [(14, 19), (33, 7), (10, 10), (5, 5)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int64"])
def test_shape_dtype_and_range(height, width, dtype):
    images = pictures(6, height, width).astype(dtype)
    views = arrays(EVERYTHING(images, seed=1))
    assert [v.shape for v in views] == [(6, 10, 10, 3)] * 2 + [(6, 6, 5, 3)]
    assert EVERYTHING.num_views == 3
    for view in views:
        assert view.dtype == np.float32
        assert 0 <= view.min() and 100 < view.max() <= 255


def test_values_do_not_depend_on_the_dtype():
    for a, b in zip(
        EVERYTHING(pictures(), seed=1),
        EVERYTHING(pictures().astype("float32"), seed=1),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_without_transforms_a_view_is_the_image():
    (view,) = Views([[]])(pictures(), seed=0)
    np.testing.assert_allclose(view, pictures(), atol=1e-4)


def test_strength_zero_is_a_crop_and_a_flip():
    image = pictures(1, 12, 12)
    views = SimCLRViews(12, strength=0.0, blur=False, crop_scale=(1, 1))
    grey_free = Views(
        [[t for t in views.pipelines[0] if not isinstance(t, RandomGrayscale)]]
    )
    (view,) = arrays(grey_free(np.repeat(image, 20, axis=0), seed=0))
    as_is = np.abs(view - image).max(axis=(1, 2, 3)) < 1e-3
    mirrored = np.abs(view - image[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-3
    assert (as_is | mirrored).all() and as_is.any() and mirrored.any()


def test_views_of_an_image_differ_and_so_do_images_of_a_view():
    same = np.repeat(pictures(1), 12, axis=0)
    first, second, _ = arrays(EVERYTHING(same, seed=3))
    together = np.concatenate([first, second]).reshape(24, -1)
    gaps = np.abs(together[:, None] - together[None]).mean(axis=2)
    assert (gaps[~np.eye(24, dtype=bool)] > 1).all()


def test_views_are_a_function_of_images_and_seed():
    first, again, other = (EVERYTHING(pictures(), seed=s) for s in (4, 4, 5))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_replicas_make_other_views():
    views = [arrays(EVERYTHING(pictures(), fold_in(4, replica))) for replica in (0, 1)]
    for a, b in zip(*views, strict=True):
        assert np.abs(a - b).mean() > 1


@pytest.mark.matrix
def test_without_seed_the_views_follow_the_global_seed():
    drawn = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        drawn.append([arrays(EVERYTHING(pictures()))[0] for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0][0], drawn[0][1])


def test_a_batch_changes_no_image_of_the_first_view_within_it():
    """The numbers of an image depend on its place, not on the size of the batch."""
    views = Views([ALL])
    (whole,), (part,) = views(pictures(), seed=6), views(pictures()[:4], seed=6)
    np.testing.assert_allclose(whole[:4], part, atol=1e-3)


@pytest.mark.parametrize(
    "views",
    [
        pytest.param(EVERYTHING, id="all", marks=pytest.mark.matrix),
        pytest.param(SimCLRViews(12), id="simclr"),
        pytest.param(DigitViews(11), id="digit", marks=pytest.mark.matrix),
    ],
)
def test_compiled_views_are_the_same(views):
    def make(images, key):
        return views(images, key)

    key = ops.convert_to_tensor([3, 9], "int32")
    images = ops.convert_to_tensor(pictures())
    expected = arrays(make(images, key))
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(make)
    else:
        import tensorflow as tf

        function = tf.function(make, jit_compile=True)
    for a, b in zip(arrays(function(images, key)), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=255e-4)


def test_views_in_a_tf_data_pipeline_of_unknown_batch_size():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("dataset.map traces TensorFlow operations")

    def make(images, step):
        # The last batch is smaller: its size is not known while tracing.
        assert images.shape[0] is None
        return EVERYTHING(images, tf.stack([7, tf.cast(step, tf.int32)]))

    images = tf.data.Dataset.from_tensor_slices(pictures(7)).batch(4)
    dataset = tf.data.Dataset.zip(images, tf.data.Dataset.range(2)).map(make, 2)
    for step, views in enumerate(dataset):
        part = pictures(7)[4 * step : 4 * step + 4]
        expected = EVERYTHING(part, np.array([7, step], "int32"))
        assert views[0].shape == (len(part), 10, 10, 3)
        for a, b in zip(views, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=255e-4)
    assert step == 1


@pytest.mark.matrix
def test_jax_makes_the_same_views(tmp_path):
    """The generator is the same on every backend."""
    program = """
        import sys, jax, keras, numpy as np
        sys.path.insert(0, "tests/views")
        import test_views
        images, key = test_views.pictures(), np.array([3, 9], "int32")
        assert keras.backend.backend() == "jax"
        make = jax.jit(lambda x, k: test_views.EVERYTHING(x, k))
        np.savez(sys.argv[1], *map(np.asarray, make(images, key)))
    """
    path = tmp_path / "views.npz"
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=True,
    )
    expected = arrays(EVERYTHING(pictures(), np.array([3, 9], "int32")))
    results = np.load(path)
    for a, name in zip(expected, results, strict=True):
        np.testing.assert_allclose(results[name], a, atol=255e-4)


def test_mixed_precision_leaves_views_alone():
    expected = arrays(EVERYTHING(pictures(), seed=1))
    keras.config.set_dtype_policy("mixed_bfloat16")
    for a, b in zip(arrays(EVERYTHING(pictures(), seed=1)), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_config_round_trip():
    config = json.dumps(keras.saving.serialize_keras_object(EVERYTHING))
    copy = keras.saving.deserialize_keras_object(json.loads(config))
    assert copy.pipelines == EVERYTHING.pipelines
    for a, b in zip(copy(pictures(), 1), EVERYTHING(pictures(), 1), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 8, 8, 1), (4, 8, 8, 4)])
def test_images_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"must be \[batch, height, width, 3\]"):
        EVERYTHING(np.zeros(shape, "uint8"), seed=0)


def test_views_need_a_pipeline():
    with pytest.raises(ValueError, match="list of transforms for each view"):
        Views([])


def test_views_are_equal_if_their_transforms_are_and_say_what_they_are():
    views = tfssl.views.SimCLRViews(32, strength=0.5)
    same = tfssl.views.SimCLRViews(32, strength=0.5)
    assert views == same and hash(views) == hash(same)
    assert views != tfssl.views.SimCLRViews(32, strength=1.0)
    assert views != tfssl.views.Views(views.pipelines)
    assert repr(views).startswith("SimCLRViews(image_size=32, strength=0.5, blur=False")
    flip = tfssl.views.RandomFlip(0.25)
    assert repr(tfssl.views.Views([[flip], [flip]])) == (
        "Views([[RandomFlip(p=0.25)], [RandomFlip(p=0.25)]])"
    )

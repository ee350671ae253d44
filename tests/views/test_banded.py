"""The form of the views for compiled CPUs, run here uncompiled: the same values."""

import keras
import numpy as np
import pytest
from keras import ops
from test_views import ALL, arrays, pictures

from tfssl.views import (
    RandomStream,
    SimCLRViews,
    Transform,
    Views,
    banded,
    blur,
    chunks,
    geometry,
)
from tfssl.views.random import RowStream


@pytest.fixture
def compiled(monkeypatch):
    monkeypatch.setattr(banded, "pays", lambda x: True)


def both(monkeypatch, function):
    """What a function returns with whole matrices and with the few pixels."""
    whole = ops.convert_to_numpy(function())
    monkeypatch.setattr(banded, "pays", lambda x: True)
    monkeypatch.setattr(geometry, "separable", None)
    return whole, ops.convert_to_numpy(function())


BOXES = [[0, 0, 12, 18], [11, 17, 1, 1], [0, 3, 1, 9], [5, 0, 7, 2], [2, 2, 3, 16]]


@pytest.mark.parametrize("size", [(12, 18), (5, 7), (30, 9)])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_crops_are_those_of_whole_matrices(images, size, mode, monkeypatch):
    boxes = np.float32(BOXES)

    def crop():
        return geometry.crop_and_resize(images[:5], boxes, size, mode)

    whole, few = both(monkeypatch, crop)
    np.testing.assert_allclose(few, whole, atol=2e-6)


def test_crops_of_bytes_are_those_of_floats(compiled):
    pixels = pictures(5, 12, 18)
    crops = [
        geometry.crop_and_resize(x, np.float32(BOXES), 8)
        for x in (pixels, pixels.astype("float32"))
    ]
    np.testing.assert_array_equal(*crops)


def test_images_that_shrink_far_take_whole_matrices(compiled, monkeypatch):
    monkeypatch.setattr(banded, "resize", None)
    crops = geometry.crop_and_resize(
        np.ones((1, 40, 40, 3)), np.float32([[0, 0, 40, 40]]), 8, "bicubic"
    )
    np.testing.assert_allclose(crops, 1.0, atol=1e-5)


@pytest.mark.parametrize("taps", [3, 9, 23])
def test_blur_is_that_of_whole_matrices(images, taps, monkeypatch):
    sigma = np.linspace(0.0, 2.0, 8).astype("float32")
    whole, few = both(monkeypatch, lambda: blur.gaussian_blur(images, sigma, taps))
    np.testing.assert_allclose(few, whole, atol=2e-6)


def test_images_outside_of_the_mask_are_not_blurred(images, compiled):
    mask = np.arange(8) % 3 == 0
    sigma = np.full(8, 2.0, "float32")
    blurred = ops.convert_to_numpy(blur.gaussian_blur(images, sigma, 5, mask))
    np.testing.assert_array_equal(blurred[~mask], images[~mask])
    changed = np.abs(blurred - images).max(axis=(1, 2, 3)) > 0.01
    np.testing.assert_array_equal(changed, mask)


def test_views_in_chunks_are_those_of_the_whole_batch(monkeypatch):
    views = Views([ALL, ALL, ALL[1:3]])
    expected = arrays(views(pictures(5), seed=1))
    monkeypatch.setattr(banded, "pays", lambda x: True)
    # Chunks of 2 and of 3 images: the last ones begin early.
    monkeypatch.setattr(chunks, "CHUNK", 4 * 10 * 10 * 3)
    for view, whole in zip(arrays(views(pictures(5), seed=1)), expected, strict=True):
        np.testing.assert_allclose(view, whole, atol=255e-4)
    # A part of them, in chunks of 2 of its 3 images.
    part = views(pictures(5)[2:], seed=1, places=(np.arange(2, 5, dtype="int32"), 5))
    for view, whole in zip(arrays(part), expected, strict=True):
        np.testing.assert_allclose(view, whole[2:], atol=255e-4)


def test_views_of_a_part_are_those_within_the_batch():
    views = Views([ALL, ALL, ALL[1:3]])
    expected = arrays(views(pictures(5), seed=1))
    places = (np.array([4, 1], "int32"), 5)
    part = arrays(views(pictures(5)[[4, 1]], seed=1, places=places))
    for view, whole in zip(part, expected, strict=True):
        np.testing.assert_allclose(view, whole[[4, 1]], atol=255e-4)


def test_chunks_are_of_one_size(compiled, monkeypatch):
    def size(batch, side):
        images = np.zeros((batch, 2, 2, 3))
        return chunks.chunk_size(images, 2, (side, side))

    monkeypatch.setattr(chunks, "CHUNK", 4 * 224 * 224 * 3)
    assert [size(64, 224), size(5, 224), size(2, 224)] == [2, 2, None]
    # At 32 pixels 98 images fit, and 3 chunks of them are evened out.
    assert [size(98, 32), size(256, 32), size(3, 1000)] == [None, 86, 1]


def test_a_transform_that_may_look_at_the_batch_gets_all_of_it(compiled, monkeypatch):
    class Mean(Transform):
        def __call__(self, images, stream):
            return images * 0 + ops.mean(images)

    monkeypatch.setattr(chunks, "CHUNK", 1)
    images = pictures(4)
    (view,) = arrays(Views([[Mean()]])(images, seed=0))
    np.testing.assert_allclose(view, images.mean(), rtol=1e-4)


def test_rows_of_a_stream_are_those_that_the_batch_draws():
    whole, own = RandomStream(3), RandomStream(3)
    own = RowStream(own, np.array([4, 1], "int32"), 2)
    for shape in ((6, 3), (6,)):
        drawn = ops.convert_to_numpy(whole.uniform(shape))
        rows = own.uniform((2, *shape[1:]))
        np.testing.assert_array_equal(rows, drawn[[4, 1]])
    # What is no row for each image is drawn as ever.
    np.testing.assert_array_equal(own.uniform((5,)), whole.uniform((5,)))


@pytest.mark.graph
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="Counts TensorFlow's operations"
)
@pytest.mark.parametrize(
    "compile, least, most",
    [(True, 0, 3e6), pytest.param(False, 1e8, 2e8, marks=pytest.mark.matrix)],
)
def test_multiply_adds_of_a_view_of_224_pixels(compile, least, most):
    """As whole matrices, resizing takes 72 million of them, and blurring 67."""
    import tensorflow as tf

    views = SimCLRViews(224)
    images = tf.TensorSpec((64, 256, 256, 3), "uint8")
    key = tf.TensorSpec((2,), "int32")
    function = tf.function(views, jit_compile=compile, autograph=False)
    graph = function.get_concrete_function(images, key).graph
    products = sum(
        multiply_adds(operation)
        for part in [graph, *subgraphs(graph)]
        for operation in part.get_operations()
    )
    assert least < products < most
    whiles = [o for o in graph.get_operations() if "While" in o.type]
    # One loop over chunks of images, whose parts fit the cache.
    assert len(whiles) == compile


def subgraphs(graph):
    for function in graph._functions.values():
        part = getattr(function, "graph", None)
        if part is not None:
            yield part
            yield from subgraphs(part)


def multiply_adds(operation):
    """Multiply-adds of a product for one image: its first axis is the batch."""
    if "MatMul" in operation.type:
        contracted = operation.inputs[0].shape[-1]
        return contracted * np.prod(operation.outputs[0].shape[1:])
    if operation.type == "Einsum":
        terms = operation.get_attr("equation").decode().split("->")[0].split(",")
        inputs = zip(terms, operation.inputs, strict=True)
        sides = {n: d for term, x in inputs for n, d in zip(term, x.shape, strict=True)}
        return np.prod([side for name, side in sides.items() if name != terms[0][0]])
    return 0

import numpy as np
import pytest
from cases import images, make
from keras import ops
from PIL import Image

from tfssl.training.images import check_images, fit_images, unpack

pytestmark = pytest.mark.usefixtures("eager")


def test_plain_images_pass():
    for x in (images(4), images(4).astype("float32"), np.zeros((1, 4, 4, 3))):
        np.testing.assert_array_equal(check_images(x), x)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.random.default_rng(0).uniform(size=(2, 4, 4, 3)), "Multiply the images"),
        (np.full((2, 4, 4, 3), -1.0), "must be in .0, 255."),
        (np.full((2, 4, 4, 3), 256.0), "to 256"),
        (np.full((2, 4, 4, 3), np.nan), "nan"),
        (np.zeros((2, 4, 4, 1), "uint8"), "np.repeat"),
        (np.zeros((4, 4, 3), "uint8"), r"shape \(4, 4, 3\)"),
        (np.zeros((0, 4, 4, 3), "uint8"), r"shape \(0, 4, 4, 3\)"),
    ],
)
def test_others_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        check_images(x)


@pytest.mark.matrix
def test_fit_takes_arrays_and_data_sets_with_or_without_labels():
    tf = pytest.importorskip("tensorflow")
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data sets are for TensorFlow here")
    x, y = images(32), np.arange(32)
    model = make("simclr")
    model.fit(x, batch_size=16, verbose=0)
    model.fit(x, y, batch_size=16, verbose=0)
    model.fit(tf.data.Dataset.from_tensor_slices(x).batch(16), verbose=0)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), verbose=0)
    assert int(model.step) == 8
    with pytest.raises(ValueError, match="33"):
        model.fit(x, batch_size=33, verbose=0)
    with pytest.raises(ValueError, match="Multiply"):
        data = tf.data.Dataset.from_tensor_slices(x / 255.0).batch(16)
        model.fit(data, verbose=0)
    with pytest.raises(ValueError, match="empty"):
        model.fit(tf.data.Dataset.from_tensor_slices(x[:0]).batch(16), verbose=0)
    with pytest.raises(ValueError, match="views"):
        model.fit(tf.data.Dataset.from_tensors({"image": x}), verbose=0)


@pytest.mark.parametrize(
    "shape, size, box",
    [
        ((40, 64), (32, 32), (0, 12, 40, 52)),
        ((64, 40), (32, 32), (12, 0, 52, 40)),
        ((40, 64), (20, 32), (0, 0, 40, 64)),
        ((40, 64), (40, 40), (0, 12, 40, 52)),
        ((17, 33), (16, 16), (0, 8, 17, 25)),
    ],
)
def test_images_are_fitted_as_pillow_does(shape, size, box):
    """The short side resized, antialiased, and the centre kept."""
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (2, *shape, 3), "uint8")
    fitted = ops.convert_to_numpy(fit_images(x, size))
    top, left, bottom, right = box
    for image, found in zip(x, fitted, strict=True):
        centre = Image.fromarray(image).crop((left, top, right, bottom))
        expected = centre.resize(size[::-1], Image.BILINEAR)
        # Pillow rounds twice.
        np.testing.assert_allclose(found, np.asarray(expected, "float32"), atol=1.5)


def test_images_that_fit_are_not_touched():
    x = images(2)
    assert fit_images(x, (16, 16)) is x
    assert fit_images(x, (None, None)) is x


def test_the_elements_of_data_are_unpacked():
    x, y, index = images(2), np.arange(2), np.arange(2)
    assert unpack(x) == {"images": x}
    assert unpack((x, y, None)) == {"images": x, "labels": y}
    assert unpack((x, None, None)) == {"images": x}
    assert unpack(({"images": x, "index": index},)) == {"images": x, "index": index}
    assert unpack({"views": (x, x)}) == {"views": (x, x)}
    with pytest.raises(ValueError, match=r"Received.*\['image'\]"):
        unpack({"image": x})
    # Two views, as other libraries feed them, are no images with labels.
    with pytest.raises(ValueError, match=r"views.*second part of shape \(2, "):
        unpack((x, x))

import numpy as np
import pytest
from keras import ops

from tfssl.views import color


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_adjustments_are_those_of_torchvision(torchvision, name):
    images = torchvision["images"] / 255.0
    adjusted = getattr(color, f"adjust_{name}")(images, torchvision["factors"])
    np.testing.assert_allclose(adjusted, torchvision[name], atol=1e-5)


def test_grayscale_and_solarize_are_those_of_torchvision(torchvision):
    images = (torchvision["images"] / 255.0).astype("float32")
    np.testing.assert_allclose(
        color.grayscale(images), torchvision["grayscale"], atol=1e-6
    )
    np.testing.assert_allclose(
        color.solarize(images), torchvision["solarize"], atol=1e-6
    )


def test_hue_is_that_of_tensorflow_addons(tensorflow_addons):
    images, turns = tensorflow_addons["images"], tensorflow_addons["turns"]
    expected = np.clip(tensorflow_addons["hue"], 0, 1)
    np.testing.assert_allclose(color.adjust_hue(images, turns), expected, atol=1e-5)


def test_hue_keeps_the_luma_and_turns_back(images):
    soft = 0.4 + 0.2 * images  # No colour is clipped.
    turns = np.linspace(-0.5, 0.5, 8).astype("float32")
    turned = ops.convert_to_numpy(color.adjust_hue(soft, turns))
    luma = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(turned @ luma, soft @ luma, atol=1e-5)
    np.testing.assert_allclose(color.adjust_hue(turned, -turns), soft, atol=1e-5)
    assert np.abs(turned - soft).max() > 0.05


@pytest.mark.parametrize(
    "name, neutral",
    [("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.0)],
)
def test_the_neutral_factor_changes_nothing(images, name, neutral):
    factor = np.full(8, neutral, "float32")
    adjusted = getattr(color, f"adjust_{name}")(images, factor)
    np.testing.assert_allclose(adjusted, images, atol=1e-6)


def test_adjustments_stay_in_range(images):
    for name, value in [
        ("brightness", 3),
        ("contrast", 3),
        ("saturation", 9),
        ("hue", 0.3),
    ]:
        adjusted = getattr(color, f"adjust_{name}")(
            images, np.full(8, value, "float32")
        )
        assert ops.min(adjusted) >= 0 and ops.max(adjusted) <= 1


def test_saturation_zero_is_grey(images):
    np.testing.assert_allclose(
        color.adjust_saturation(images, np.zeros(8, "float32")),
        color.grayscale(images),
        atol=1e-6,
    )


def test_maps_clip_after_each(images):
    double, half = (color.brightness_matrix(np.full(8, f, "float32")) for f in (2, 0.5))
    mapped = color.color_maps(images, [(double, None), (half, None)])
    np.testing.assert_allclose(mapped, np.minimum(images, 0.5), atol=1e-6)


def test_contrast_blends_with_the_grey_of_the_map_before(images):
    factor = np.full(8, 0.5, "float32")
    half = color.brightness_matrix(factor)
    mapped = color.color_maps(images, [(half, None), (half, 1 - factor)])
    expected = color.adjust_contrast(color.adjust_brightness(images, factor), factor)
    np.testing.assert_allclose(mapped, expected, atol=1e-6)


def test_solarize_twice_is_solarize(images):
    once = color.solarize(images)
    np.testing.assert_array_equal(color.solarize(once), once)
    assert ops.max(once) <= 0.5

"""Operators with given parameters against torchvision and tensorflow-addons."""

from pathlib import Path

import numpy as np
import pytest
from keras import ops

from tfssl.views import blur, color, geometry

REFERENCES = Path(__file__).parents[1] / "references"
TORCHVISION = np.load(REFERENCES / "torchvision.npz")
ADDONS = np.load(REFERENCES / "tensorflow_addons.npz")


def batch(image, n=2):
    """The image after another one, so that mixing up a batch shows."""
    other = 1.0 - image
    return np.stack([other] * (n - 1) + [image]).astype("float32")


def check(result, expected, atol=2e-6):
    np.testing.assert_allclose(ops.convert_to_numpy(result)[-1], expected, atol=atol)


def parameters(value):
    return np.array([0.9, value], "float32")


@pytest.mark.parametrize("factor", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_colour_factors(name, factor):
    operator = getattr(color, f"adjust_{name}")
    images = batch(TORCHVISION["image"])
    result = operator(images, parameters(factor))
    check(result, TORCHVISION[f"{name}_{factor}"])
    assert not np.allclose(ops.convert_to_numpy(result)[0], images[0], atol=1e-3)


def test_grayscale_and_solarize():
    images = batch(TORCHVISION["image"])
    # torchvision rounds the luma's first weight to four digits as well.
    check(color.grayscale(images), TORCHVISION["grayscale"], atol=2e-4)
    check(color.solarize(images), TORCHVISION["solarize"])
    once = ops.convert_to_numpy(color.solarize(images))
    assert once.max() <= 0.5
    np.testing.assert_array_equal(
        ops.convert_to_numpy(color.solarize(once, 0.5 + 1e-6)), once
    )


@pytest.mark.parametrize("turn", [-0.2, 0.0, 0.05, 0.4])
def test_hue_turns_in_yiq_as_in_tensorflow_addons(turn):
    result = color.adjust_hue(batch(ADDONS["image"]), parameters(turn))
    # Theirs is not clipped.
    check(result, np.clip(ADDONS[f"hue_{turn}"], 0, 1), atol=2e-3)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_blur_as_in_tensorflow_addons(sigma):
    result = blur.gaussian_blur(batch(ADDONS["image"]), parameters(sigma), 5)
    check(result, ADDONS[f"blur_{sigma}"], atol=1e-5)


@pytest.mark.parametrize("sigma", [0.4, 1.3])
def test_blur_as_in_torchvision(sigma):
    result = blur.gaussian_blur(batch(TORCHVISION["image"]), parameters(sigma), 7)
    check(result, TORCHVISION[f"blur_{sigma}"], atol=1e-5)


def test_blur_keeps_constants_and_mass():
    constant = np.full((2, 12, 9, 3), 0.7, "float32")
    sigma = np.array([0.1, 2.0], "float32")
    blurred = ops.convert_to_numpy(blur.gaussian_blur(constant, sigma, 9))
    np.testing.assert_allclose(blurred, constant, atol=1e-6)
    point = np.zeros((2, 15, 15, 3), "float32")
    point[:, 7, 7] = 1.0
    blurred = ops.convert_to_numpy(blur.gaussian_blur(point, sigma, 7))
    np.testing.assert_allclose(blurred.sum(axis=(1, 2)), 1.0, atol=1e-5)
    assert blurred[0, 7, 7, 0] > 0.99 > 0.2 > blurred[1, 7, 7, 0]


def test_kernel_sizes_of_the_paper():
    assert blur.default_kernel_size(224) == 23
    assert blur.default_kernel_size(96) == 9
    with pytest.raises(ValueError, match="kernel_size=4"):
        blur.gaussian_blur(np.zeros((1, 8, 8, 3)), np.ones(1), 4)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("number", range(4))
def test_crop_and_resize(mode, number):
    boxes = np.stack([TORCHVISION["boxes"][0], TORCHVISION["boxes"][number]])
    images = batch(TORCHVISION["image"])
    result = geometry.crop_and_resize(images, boxes, (8, 12), mode)
    check(result, TORCHVISION[f"crop_{mode}_{number}"], atol=2e-5)


def test_a_crop_sees_nothing_outside_of_its_box():
    images = np.full((1, 20, 20, 3), np.nan, "float32")
    images[:, 4:12, 6:16] = 0.25
    inside = np.nan_to_num(images, nan=1e6)
    boxes = np.array([[4, 6, 8, 10]], "float32")
    result = ops.convert_to_numpy(geometry.crop_and_resize(inside, boxes, 5, "bicubic"))
    np.testing.assert_allclose(result, 0.25, atol=1e-6)


def test_the_whole_image_at_its_own_size_is_itself():
    images = np.random.default_rng(0).uniform(size=(2, 7, 5, 3)).astype("float32")
    boxes = np.array([[0, 0, 7, 5]] * 2, "float32")
    for mode in ("bilinear", "bicubic"):
        result = geometry.crop_and_resize(images, boxes, (7, 5), mode)
        np.testing.assert_allclose(ops.convert_to_numpy(result), images, atol=1e-6)


def test_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match="nearest"):
        geometry.crop_and_resize(np.zeros((1, 4, 4, 3)), np.ones((1, 4)), 2, "nearest")


@pytest.mark.parametrize("number", range(4))
def test_affine(number):
    angle, shear, *shift = TORCHVISION[f"affine_arguments_{number}"]
    # torchvision turns and shears clockwise.
    arguments = [-np.radians(angle), -np.radians(shear), *shift]
    matrices = geometry.affine_matrices(*(parameters(a) * [0, 1] for a in arguments))
    result = geometry.affine(batch(TORCHVISION["image"]), matrices)
    inner = ops.convert_to_numpy(result)[-1]
    np.testing.assert_allclose(inner, TORCHVISION[f"affine_{number}"], atol=1e-4)


def test_flip_by_mask():
    images = np.random.default_rng(0).uniform(size=(2, 3, 4, 3)).astype("float32")
    result = ops.convert_to_numpy(geometry.flip(images, np.array([True, False])))
    np.testing.assert_array_equal(result[0], images[0, :, ::-1])
    np.testing.assert_array_equal(result[1], images[1])

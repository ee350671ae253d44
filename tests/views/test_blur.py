import numpy as np
import pytest
from keras import ops

from tfssl.views import gaussian_blur
from tfssl.views.blur import default_kernel_size


@pytest.mark.parametrize("taps", [3, 9])
def test_blur_is_that_of_torchvision(torchvision, taps):
    images = torchvision["images"] / 255.0
    blurred = gaussian_blur(images, torchvision["sigmas"], taps)
    np.testing.assert_allclose(blurred, torchvision[f"blur_{taps}"], atol=1e-5)


def test_blur_is_that_of_tensorflow_addons(tensorflow_addons):
    images, sigmas = tensorflow_addons["images"], tensorflow_addons["sigmas"]
    blurred = gaussian_blur(images, sigmas, 5)
    np.testing.assert_allclose(blurred, tensorflow_addons["blur"], atol=1e-5)


def test_a_constant_stays_constant():
    sigma = np.float32([0.1, 0.9, 2.0])
    blurred = gaussian_blur(np.full((3, 20, 31, 3), 0.4, "float32"), sigma, 7)
    np.testing.assert_allclose(blurred, 0.4, atol=1e-6)


def test_a_point_spreads_by_its_own_sigma_and_keeps_its_sum():
    images = np.zeros((3, 31, 41, 3), "float32")
    images[:, 15, 20] = 1.0
    sigma = np.float32([0.5, 1.0, 2.0])
    blurred = ops.convert_to_numpy(gaussian_blur(images, sigma, 25))
    np.testing.assert_allclose(blurred.sum(axis=(1, 2)), 1.0, atol=1e-5)
    x = np.arange(41) - 20
    variance = (blurred[..., 0].sum(axis=1) * x**2).sum(axis=1)
    # Sampling the Gaussian at whole pixels narrows the smallest.
    np.testing.assert_allclose(variance[1:], sigma[1:] ** 2, rtol=0.01)
    assert variance[0] < variance[1] < variance[2]


def test_sigma_zero_changes_nothing(images):
    blurred = gaussian_blur(images, np.zeros(8, "float32"), 3)
    np.testing.assert_allclose(blurred, images, atol=1e-6)


def test_default_kernel_is_a_tenth_of_the_height():
    sizes = {224: 23, 96: 9, 160: 17, 32: 3, 16: 3, 8: 3}
    assert {size: default_kernel_size(size) for size in sizes} == sizes


@pytest.mark.parametrize("taps", [4, 25])
def test_kernels_that_do_not_fit(images, taps):
    with pytest.raises(ValueError, match=f"kernel_size={taps} for images of 12x18"):
        gaussian_blur(images, np.ones(8, "float32"), taps)

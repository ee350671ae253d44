import numpy as np
import pytest
from keras import ops

from tfssl.views import (
    ColorJitter,
    RandomAffine,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomResizedCrop,
    RandomSolarize,
    RandomStream,
)

N = 2000


def pictures(n=N, size=8, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(0.2, 0.8, (n, size, size, 3)).astype("float32")


def apply(transform, images, seed=0):
    return ops.convert_to_numpy(transform(images, RandomStream(seed)))


def changed(before, after):
    return np.abs(after - before).max(axis=(1, 2, 3)) > 1e-5


@pytest.mark.parametrize(
    "transform",
    [
        RandomFlip(p=0.5),
        ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        RandomGrayscale(p=0.2),
        RandomGaussianBlur(sigma=(0.5, 2.0), p=0.5),
        RandomSolarize(p=0.2),
        RandomAffine(p=0.7),
    ],
    ids=lambda t: type(t).__name__,
)
def test_application_rate(transform):
    images = pictures()
    rate = changed(images, apply(transform, images)).mean()
    # Four standard errors of a binomial share.
    assert abs(rate - transform.p) < 4 * np.sqrt(transform.p * (1 - transform.p) / N)


@pytest.mark.parametrize(
    "transform",
    [
        RandomFlip(p=0.0),
        ColorJitter(0.0, 0.0, 0.0, 0.0, p=1.0),
        RandomGrayscale(p=0.0),
        RandomGaussianBlur(p=0.0),
        RandomSolarize(p=0.0),
        RandomAffine(degrees=0.0, shear=0.0),
        RandomResizedCrop(8, scale=(1.0, 1.0), ratio=(1.0, 1.0)),
    ],
    ids=lambda t: type(t).__name__,
)
def test_strength_zero_is_the_identity(transform):
    images = pictures(16)
    np.testing.assert_allclose(apply(transform, images), images, atol=2e-6)


def test_grey_images_have_equal_channels():
    grey = apply(RandomGrayscale(p=1.0), pictures(8))
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_brightness_factors_are_drawn_for_each_image_from_their_range():
    images = np.full((N, 2, 2, 3), 0.5, "float32")
    factors = apply(ColorJitter(0.4, 0, 0, 0, p=1.0), images)[:, 0, 0, 0] / 0.5
    assert factors.min() >= 0.6 - 1e-5 and factors.max() <= 1.4 + 1e-5
    counts, _ = np.histogram(factors, 10, (0.6, 1.4))
    # Chi-squared with 9 degrees of freedom, 99.9 % quantile 27.9.
    assert np.sum((counts - N / 10) ** 2 / (N / 10)) < 27.9


def test_jitter_order_is_drawn_for_each_image():
    # Brightness clips what contrast would have kept: the order shows in the result.
    images = np.tile(np.array([0.1, 0.9], "float32")[None, :, None, None], (N, 1, 2, 3))
    # Fixed factors of two: only the order is left to chance.
    jitter = ColorJitter(0.0, 0.0, 0.0, 0.0, p=1.0)
    jitter.brightness, jitter.contrast = 1.0, 1.0
    random = apply(jitter, images)
    assert len(np.unique(random[:, 0, 0, 0].round(4))) > N / 4


def test_solarize_inverts_bright_pixels_only():
    images = pictures(4)
    result = apply(RandomSolarize(p=1.0), images)
    np.testing.assert_allclose(result, np.where(images >= 0.5, 1 - images, images))


def test_crop_boxes_have_the_area_and_aspect_of_torchvision():
    crop = RandomResizedCrop(8, scale=(0.08, 1.0))
    images = np.zeros((20_000, 64, 64, 3), "float32")
    boxes = ops.convert_to_numpy(crop.draw_boxes(images, RandomStream(0)))
    top, left, height, width = boxes.T
    assert np.array_equal(boxes, boxes.round())
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + height <= 64).all() and (left + width <= 64).all()
    expected = torchvision_boxes(20_000, 64, 64, (0.08, 1.0), (3 / 4, 4 / 3))
    for ours, theirs in (
        (height * width / 64**2, expected[:, 2] * expected[:, 3] / 64**2),
        (np.log(width / height), np.log(expected[:, 3] / expected[:, 2])),
        (top, expected[:, 0]),
        (left, expected[:, 1]),
    ):
        quantiles = np.linspace(0.05, 0.95, 19)
        spread = np.ptp(theirs)
        np.testing.assert_allclose(
            np.quantile(ours, quantiles),
            np.quantile(theirs, quantiles),
            atol=0.03 * spread,
        )


def torchvision_boxes(n, height, width, scale, ratio, seed=0):
    """The rule of torchvision's RandomResizedCrop.get_params, one box at a time."""
    random = np.random.default_rng(seed)
    boxes = []
    for _ in range(n):
        for _ in range(10):
            area = height * width * random.uniform(*scale)
            aspect = np.exp(random.uniform(*np.log(ratio)))
            w, h = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                top = random.integers(0, height - h + 1)
                left = random.integers(0, width - w + 1)
                boxes.append((top, left, h, w))
                break
        else:
            side = min(height, width)
            boxes.append(((height - side) // 2, (width - side) // 2, side, side))
    return np.array(boxes, "float64")


def test_an_image_of_extreme_aspect_falls_back_to_a_centre_crop():
    crop = RandomResizedCrop(8, scale=(1.0, 1.0))
    images = np.zeros((4, 90, 9, 3), "float32")
    boxes = ops.convert_to_numpy(crop.draw_boxes(images, RandomStream(0)))
    np.testing.assert_array_equal(boxes, [[39, 0, 12, 9]] * 4)


def test_a_crop_of_nothing_is_refused():
    with pytest.raises(ValueError, match="scale"):
        RandomResizedCrop(8, scale=(0.0, 1.0))

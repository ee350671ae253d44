import inspect
import itertools
import json

import keras
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
    Transform,
    color,
)

TRANSFORMS = [
    RandomResizedCrop(9, (0.2, 0.7), (0.5, 2.0), "bilinear"),
    RandomResizedCrop((9, 7)),
    RandomFlip(p=0.3),
    RandomAffine(5.0, 6.0, 0.1, 0.2, p=0.3),
    ColorJitter(0.1, 0.2, 0.3, 0.4, p=0.3),
    RandomGrayscale(p=0.3),
    RandomGaussianBlur((0.5, 1.0), 5, p=0.3),
    RandomSolarize(0.4, p=0.3),
]


def same_images(count, height=6, width=7):
    """Copies of one image: whatever differs afterwards was drawn for each image."""
    image = np.random.default_rng(0).uniform(0.1, 0.9, (1, height, width, 3))
    return np.repeat(image.astype("float32"), count, axis=0)


def run(transform, images, seed=0):
    return ops.convert_to_numpy(
        transform(ops.convert_to_tensor(images), RandomStream(seed))
    )


def changed(transform, images, seed=0):
    difference = np.abs(run(transform, images, seed) - images)
    return difference.max(axis=(1, 2, 3)) > 1e-4


def distance(a, b):
    """Kolmogorov-Smirnov distance over the one that chance exceeds in 0.1 %."""
    values = np.concatenate([a, b])
    shares = [np.searchsorted(np.sort(x), values, "right") / len(x) for x in (a, b)]
    largest = np.abs(shares[0] - shares[1]).max()
    return largest / (1.95 * np.sqrt(1 / len(a) + 1 / len(b)))


@pytest.mark.parametrize("transform", TRANSFORMS[2:], ids=lambda t: type(t).__name__)
def test_p_is_the_share_of_images_that_change(transform):
    images = same_images(2000)
    share = changed(transform, images).mean()
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    for p in (0, 1):
        always = type(transform)(**transform.get_config() | {"p": p})
        # A drawn parameter can be so small that nothing changes.
        assert abs(changed(always, images[:500]).mean() - p) <= 0.02 * p


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
def test_range_dtype_shape_and_seed(transform, images):
    first = run(transform, images)
    assert first.dtype == np.float32 and first.shape[0] == 8 and first.shape[3] == 3
    assert first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, run(transform, images))
    assert not np.array_equal(first, run(transform, images, seed=1))


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
def test_config_round_trip(transform):
    config = json.dumps(keras.saving.serialize_keras_object(transform))
    copy = keras.saving.deserialize_keras_object(json.loads(config))
    assert copy == transform and hash(copy) == hash(transform)
    assert (
        copy.get_config().keys() == inspect.signature(type(transform)).parameters.keys()
    )
    assert transform != type(transform)(**transform.get_config() | _other(transform))


def _other(transform):
    return {"p": 0.9} if hasattr(transform, "p") else {"size": 3}


@pytest.mark.parametrize(
    "transform",
    [
        ColorJitter(0, 0, 0, 0, p=1),
        RandomAffine(0, 0, 0, p=1),
        RandomGaussianBlur((0, 0), 3, p=1),
        RandomResizedCrop((6, 7), (1, 1), (7 / 6, 7 / 6)),
    ],
    ids=lambda t: type(t).__name__,
)
def test_strength_zero_changes_nothing(transform):
    images = same_images(50)
    np.testing.assert_allclose(run(transform, images), images, atol=2e-6)


@pytest.mark.parametrize(
    "transform",
    [
        ColorJitter(p=1),
        RandomAffine(p=1),
        RandomGaussianBlur(p=1),
        RandomResizedCrop(6),
    ],
    ids=lambda t: type(t).__name__,
)
def test_each_image_draws_its_own_parameters(transform):
    results = run(transform, same_images(40, 12, 14)).reshape(40, -1)
    assert len(np.unique(results.round(6), axis=0)) > 30


@pytest.mark.parametrize(
    "name, size", [("square", (32, 40)), ("flat", (20, 80)), ("tall", (64, 12))]
)
def test_boxes_are_distributed_as_those_of_torchvision(torchvision, name, size):
    """In the flat and the tall image many of the ten tries do not fit."""
    expected = torchvision[f"boxes_{name}"].astype("float32").T
    images = np.zeros((4000, *size, 3), "float32")
    boxes = RandomResizedCrop(8).draw_boxes(images, RandomStream(11))
    drawn = ops.convert_to_numpy(boxes).T
    np.testing.assert_array_equal(drawn, drawn.round())
    top, left, height, width = drawn
    assert (top >= 0).all() and (top + height <= size[0]).all() and (height > 0).all()
    assert (left >= 0).all() and (left + width <= size[1]).all() and (width > 0).all()

    def measures(top, left, height, width):
        return {
            "area": height * width,
            "aspect": width / height,
            "height": height,
            "top": top / np.maximum(size[0] - height, 1),
            "left": left / np.maximum(size[1] - width, 1),
        }

    expected = measures(*expected)
    for key, values in measures(*drawn).items():
        assert distance(values, expected[key]) < 1, key


@pytest.mark.parametrize(
    "size, whole", [((10, 100), (43.0, 10, 13)), ((100, 10), (43.0, 13, 10))]
)
def test_when_no_try_fits_the_box_is_central_with_the_aspect_clipped(size, whole):
    """Areas of the whole image never fit in a flat or tall one."""
    images = np.zeros((20, *size, 3), "float32")
    boxes = ops.convert_to_numpy(
        RandomResizedCrop(8, scale=(1, 1)).draw_boxes(images, RandomStream(0))
    )
    start, height, width = whole
    corner = (0, start) if size[0] < size[1] else (start, 0)
    np.testing.assert_array_equal(boxes, [[*corner, height, width]] * 20)


def captured_maps(jitter, count, monkeypatch):
    """The colour maps that the jitter draws: `[count, 4, 3, 3]` and `[count, 4]`."""
    maps = []
    monkeypatch.setattr(color, "color_maps", lambda images, m: maps.extend(m) or images)
    jitter(same_images(count, 2, 2), RandomStream(5))
    matrices, shares = (
        np.stack([ops.convert_to_numpy(m) for m in part], axis=1)
        for part in zip(*maps, strict=True)
    )
    return matrices, shares


def test_all_orders_of_the_jitter_are_equally_likely(monkeypatch):
    count = 4800
    matrices, shares = captured_maps(ColorJitter(p=1), count, monkeypatch)
    diagonal = np.abs(matrices * (1 - np.eye(3))).max(axis=(2, 3)) < 1e-6
    # Saturation mixes in the same grey everywhere.
    same = np.abs(matrices[..., 0, 1] - matrices[..., 2, 1]) < 1e-6
    kinds = np.where(diagonal, np.where(shares != 0, 1, 0), np.where(same, 2, 3))
    orders = list(itertools.permutations(range(4)))
    counts = [(kinds == order).all(axis=1).sum() for order in orders]
    assert sum(counts) == count
    expected = count / 24
    # The 0.1 % quantile of chi squared with 23 degrees of freedom.
    assert ((np.array(counts) - expected) ** 2 / expected).sum() < 49.7


@pytest.mark.parametrize("strength, low, high", [(0.4, 0.6, 1.4), (1.5, 0.0, 2.5)])
def test_factors_are_uniform_between_their_limits(strength, low, high, monkeypatch):
    jitter = ColorJitter(strength, strength, strength, 0, p=1)
    matrices, shares = captured_maps(jitter, 2000, monkeypatch)
    diagonal = np.abs(matrices * (1 - np.eye(3))).max(axis=(2, 3)) < 1e-6
    unit = np.abs(matrices - np.eye(3)).max(axis=(2, 3)) < 1e-6
    contrast = 1 - shares[shares != 0]
    brightness = matrices[diagonal & (shares == 0) & ~unit][:, 0, 0]
    # A grey pixel keeps its value, the difference of two channels takes the factor.
    mixed = matrices[~diagonal]
    saturation = mixed[:, 0, 0] - mixed[:, 1, 0]
    even = np.linspace(low, high, 100_001)
    for factors in (brightness, contrast, saturation):
        assert len(factors) > 1990
        assert factors.min() >= low - 1e-5 and factors.max() <= high + 1e-5
        assert distance(factors, even) < 1


def test_hue_turns_are_uniform_between_their_limits(monkeypatch):
    matrices, _ = captured_maps(ColorJitter(0, 0, 0, 0.2, p=1), 2000, monkeypatch)
    # The trace of a rotation about an axis is 1 + 2 cos(angle).
    trace = np.trace(matrices, axis1=2, axis2=3).min(axis=1)
    turns = np.arccos(np.clip((trace - 1) / 2, -1, 1)) / (2 * np.pi)
    assert turns.max() <= 0.2 + 1e-3
    assert distance(turns, np.linspace(0, 0.2, 100_001)) < 1


def test_blur_draws_sigma_between_its_limits():
    images = np.zeros((1000, 21, 21, 3), "float32")
    images[:, 10, 10] = 1.0
    centre = run(RandomGaussianBlur((0.5, 2.0), 21, p=1), images)[:, 10, 10, 0]
    # A Gaussian's density at its centre, for both axes.
    sigma = 1 / np.sqrt(2 * np.pi * centre)
    assert 0.48 < sigma.min() < 0.55 and 1.95 < sigma.max() <= 2.001
    assert distance(sigma[sigma > 0.8], np.linspace(0.8, 2.0, 100_001)) < 1


def test_affine_moves_no_further_than_told():
    images = np.zeros((200, 21, 21, 3), "float32")
    images[:, 10, 10] = 1.0
    shifted = run(RandomAffine(0, 0, shift=0.2, p=1), images)[..., 0]
    place = np.arange(21) - 10
    for axis in (1, 2):
        moved = (shifted.sum(axis=3 - axis) * place).sum(axis=1)
        assert 3.8 < np.abs(moved).max() <= 0.2 * 21 + 1e-4
    np.testing.assert_allclose(shifted.sum(axis=(1, 2)), 1.0, atol=1e-5)


def test_grey_has_equal_channels(images):
    grey = run(RandomGrayscale(p=1), images)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


@pytest.mark.parametrize("scale", [(0, 1), (0.5, 0.2), (0.5, 1.1)])
def test_wrong_scale(scale):
    with pytest.raises(ValueError, match="scale must be within"):
        RandomResizedCrop(8, scale)


@pytest.mark.parametrize("size", [0, (8, -1), 8.5, None])
def test_wrong_size(size):
    with pytest.raises(ValueError, match="size must be a whole number"):
        RandomResizedCrop(size)


def test_wrong_interpolation_and_jitter():
    with pytest.raises(ValueError, match="one of .*'bilinear'.*Received: 'nearest'"):
        RandomResizedCrop(8, interpolation="nearest")
    for name in ("brightness", "contrast", "saturation", "hue"):
        with pytest.raises(ValueError, match=f"{name}=-0.1"):
            ColorJitter(**{name: -0.1})


def test_wrong_ratio_and_share():
    with pytest.raises(ValueError, match="ratio must be positive"):
        RandomResizedCrop(8, ratio=(2, 1))
    for transform in (RandomFlip, ColorJitter, RandomGaussianBlur, RandomSolarize):
        with pytest.raises(ValueError, match="p=1.5"):
            transform(p=1.5)


@pytest.mark.parametrize(
    "transform, name, value",
    [
        (RandomSolarize, "threshold", 128),
        (RandomAffine, "fill", 128),
        (RandomGaussianBlur, "kernel_size", 4),
        (RandomGaussianBlur, "kernel_size", -3),
        (RandomGaussianBlur, "kernel_size", 2.5),
    ],
)
def test_numbers_out_of_range_are_named(transform, name, value):
    with pytest.raises(ValueError, match=f"{name} must be.*Received: {name}={value}"):
        transform(**{name: value})


def test_a_transform_of_the_user_needs_only_call_and_attributes():
    @keras.saving.register_keras_serializable("test")
    class Invert(Transform):
        def __init__(self, top=1.0):
            self.top = top

        def __call__(self, images, stream):
            return self.top - images

    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(Invert(0.8))
    )
    assert repr(copy) == "Invert(top=0.8)" and copy == Invert(0.8)

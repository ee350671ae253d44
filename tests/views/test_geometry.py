import numpy as np
import pytest
from keras import ops
from PIL import Image

from tfssl.views import geometry

SIZES = {"small": (6, 8), "large": (25, 9)}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_crops_are_those_of_torchvision(torchvision, mode, name):
    images = torchvision["images"] / 255.0
    crops = geometry.crop_and_resize(images, torchvision["boxes"], SIZES[name], mode)
    np.testing.assert_allclose(crops, torchvision[f"crop_{mode}_{name}"], atol=1e-5)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_crops_are_those_of_pillow(torchvision, mode):
    images, boxes = torchvision["images"], torchvision["boxes"]
    crops = geometry.crop_and_resize(images, boxes, (10, 7), mode)
    for image, box, crop in zip(images, boxes.astype(int), crops, strict=True):
        top, left, height, width = box
        pillow = Image.fromarray(image[top : top + height, left : left + width])
        pillow = pillow.resize((7, 10), Image.Resampling[mode.upper()])
        # Pillow rounds to whole values after each of its two passes.
        clipped = np.clip(crop, 0, 255)
        np.testing.assert_allclose(clipped, np.asarray(pillow, "float32"), atol=1.2)


def test_a_crop_sees_nothing_outside_of_its_box(images):
    boxes = np.tile([[3.0, 4.0, 5.0, 9.0]], (8, 1))
    blanked = np.full_like(images, np.float32(1e6))
    blanked[:, 3:8, 4:13] = images[:, 3:8, 4:13]
    for mode in ("bilinear", "bicubic"):
        np.testing.assert_array_equal(
            geometry.crop_and_resize(blanked, boxes, 7, mode),
            geometry.crop_and_resize(images, boxes, 7, mode),
        )


def test_the_whole_image_at_its_size_is_the_image(images):
    boxes = np.tile([[0.0, 0.0, 12.0, 18.0]], (8, 1))
    for mode in ("bilinear", "bicubic"):
        crops = geometry.crop_and_resize(images, boxes, (12, 18), mode)
        np.testing.assert_allclose(crops, images, atol=1e-6)


def test_any_crop_of_a_constant_is_constant():
    boxes = np.array(
        [[0.0, 0.0, 1.0, 1.0], [5.0, 2.0, 7.0, 1.0], [1.0, 3.0, 2.0, 11.0]]
    )
    for mode in ("bilinear", "bicubic"):
        crops = geometry.crop_and_resize(np.full((3, 12, 14, 3), 0.3), boxes, 9, mode)
        np.testing.assert_allclose(crops, 0.3, atol=1e-6)


def test_unknown_interpolation(images):
    with pytest.raises(ValueError, match="bicubic.*nearest"):
        geometry.crop_and_resize(images, np.zeros((8, 4)), 4, "nearest")


def test_flip_mirrors_only_the_chosen(images):
    mask = np.arange(8) % 3 == 0
    flipped = ops.convert_to_numpy(geometry.flip(images, mask))
    np.testing.assert_array_equal(flipped[mask], images[mask][:, :, ::-1])
    np.testing.assert_array_equal(flipped[~mask], images[~mask])


def test_affine_is_that_of_torchvision(torchvision):
    images = torchvision["images"] / 255.0
    warped = geometry.affine(images, torchvision["affine_matrices"])
    np.testing.assert_allclose(warped, torchvision["affine"], atol=1e-4)


def test_affine_matrices_are_those_of_torchvision(torchvision):
    """Its angles and shears turn with the clock, ours against it."""
    angle, right, down, shear = torchvision["affine_parameters"].T
    angle, shear = -np.radians(angle), -np.radians(shear)
    matrices = geometry.affine_matrices(angle, shear, right, down)
    np.testing.assert_allclose(matrices, torchvision["affine_matrices"], atol=1e-6)


def test_a_positive_shift_moves_right_and_down():
    point = np.zeros((1, 9, 9, 3), "float32")
    point[:, 4, 4] = 1.0
    zero = np.zeros(1, "float32")
    matrices = geometry.affine_matrices(zero, zero, zero + 2, zero + 3)
    moved = ops.convert_to_numpy(geometry.affine(point, matrices))
    assert np.argwhere(moved[0, :, :, 0] > 0.99).tolist() == [[7, 6]]


def test_a_positive_angle_turns_counter_clockwise():
    point = np.zeros((1, 9, 9, 3), "float32")
    point[:, 4, 7] = 1.0  # Right of the centre; then above it.
    zero = np.zeros(1, "float32")
    matrices = geometry.affine_matrices(zero + np.pi / 2, zero, zero, zero)
    moved = ops.convert_to_numpy(geometry.affine(point, matrices))
    assert np.argwhere(moved[0, :, :, 0] > 0.99).tolist() == [[1, 4]]


def test_affine_identity_and_fill(images):
    unit = np.tile(np.float32([[1, 0, 0], [0, 1, 0]]), (8, 1, 1))
    np.testing.assert_allclose(geometry.affine(images, unit), images, atol=1e-6)
    shifted = unit.copy()
    shifted[:, 0, 2] = 4.0
    warped = ops.convert_to_numpy(geometry.affine(images, shifted, fill=0.7))
    np.testing.assert_allclose(warped[:, :, :-4], images[:, :, 4:], atol=1e-6)
    np.testing.assert_allclose(warped[:, :, -4:], 0.7, atol=1e-6)
    far = unit * 1.0
    far[:, :, 2] = 1e4
    np.testing.assert_allclose(geometry.affine(images, far, fill=0.7), 0.7, atol=1e-6)

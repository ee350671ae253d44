"""Writes torchvision.npz: what torchvision makes of small images.

Needs an environment with torch and torchvision (made with 2.13 and 0.28, on the CPU):

    python tests/references/make_torchvision.py
"""

import pathlib

import numpy as np
import torch
from torchvision.transforms import v2
from torchvision.transforms.functional import _get_inverse_affine_matrix
from torchvision.transforms.v2 import functional

MODES = {
    "bilinear": v2.InterpolationMode.BILINEAR,
    "bicubic": v2.InterpolationMode.BICUBIC,
}
# Top, left, height, width, one box an image; the third is the whole image.
BOXES = [(0, 0, 9, 7), (3, 5, 17, 20), (0, 0, 21, 26), (18, 22, 3, 4)]
FACTORS = [0.2, 0.7, 1.3, 1.8]
SIGMAS = [0.1, 0.6, 1.3, 2.0]
# Degrees, pixels to the right and down, shear along x in degrees.
AFFINE = [(30.0, 0, 0, 0.0), (0.0, 5, -3, 0.0), (0.0, 0, 0, 20.0), (-12.0, 2, 1, 8.0)]


def make_images():
    """Four uint8 images of 21 x 26 pixels: gradients with noise."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:21, 0:26]
    waves = [np.sin(x / 3), np.cos(y / 4), np.sin((x + y) / 5)]
    images = 127 + 70 * np.stack(waves, axis=-1) + random.normal(0, 25, (4, 21, 26, 3))
    return np.clip(images, 0, 255).astype("uint8")


def tensors(images):
    return torch.tensor(images).permute(0, 3, 1, 2).float() / 255


def array(batch):
    return torch.stack(list(batch)).permute(0, 2, 3, 1).numpy()


def crops(images):
    for mode, interpolation in MODES.items():
        for name, size in {"small": (6, 8), "large": (25, 9)}.items():
            yield (
                f"crop_{mode}_{name}",
                array(
                    functional.resized_crop(
                        image, *box, size, interpolation, antialias=True
                    )
                    for image, box in zip(images, BOXES, strict=True)
                ),
            )


def colors(images):
    for name in ("brightness", "contrast", "saturation"):
        adjust = getattr(functional, f"adjust_{name}")
        pairs = zip(images, FACTORS, strict=True)
        yield name, array(adjust(image, factor) for image, factor in pairs)
    yield "grayscale", array(functional.rgb_to_grayscale(images, 3))
    yield "solarize", array(functional.solarize(images, 0.5))


def blurs(images):
    for taps in (3, 9):
        pairs = zip(images, SIGMAS, strict=True)
        yield (
            f"blur_{taps}",
            array(
                functional.gaussian_blur(image, [taps, taps], [sigma, sigma])
                for image, sigma in pairs
            ),
        )


def warps(images):
    warped, matrices = [], []
    for image, (angle, right, down, shear) in zip(images, AFFINE, strict=True):
        warped.append(
            functional.affine(
                image, angle, [right, down], 1.0, [shear, 0.0], MODES["bilinear"]
            )
        )
        matrix = _get_inverse_affine_matrix(
            [0.0, 0.0], angle, [right, down], 1.0, [shear, 0.0]
        )
        matrices.append(np.reshape(matrix, (2, 3)))
    yield "affine", array(warped)
    yield "affine_matrices", np.asarray(matrices, "float32")


def boxes():
    """Boxes of RandomResizedCrop for images that fit, are flat and are tall."""
    torch.manual_seed(0)
    for name, size in {"square": (32, 40), "flat": (20, 80), "tall": (64, 12)}.items():
        transform = v2.RandomResizedCrop(8, scale=(0.08, 1.0))
        image = torch.zeros(3, *size)
        drawn = [transform.make_params([image]) for _ in range(1500)]
        yield (
            f"boxes_{name}",
            np.array(
                [[d["top"], d["left"], d["height"], d["width"]] for d in drawn], "uint8"
            ),
        )


def main():
    images = make_images()
    batch = tensors(images)
    values = {
        "images": images,
        "boxes": np.asarray(BOXES, "float32"),
        "factors": np.asarray(FACTORS, "float32"),
        "sigmas": np.asarray(SIGMAS, "float32"),
        "affine_parameters": np.asarray(AFFINE, "float32"),
        **dict(crops(batch)),
        **dict(colors(batch)),
        **dict(blurs(batch)),
        **dict(warps(batch)),
        **dict(boxes()),
    }
    np.savez_compressed(pathlib.Path(__file__).parent / "torchvision.npz", **values)


if __name__ == "__main__":
    main()

"""Makes torchvision.npz: what torchvision's operators do to a small picture.

Run in an environment with torch and torchvision:

    python tests/references/make_torchvision.py
"""

from pathlib import Path

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

random = np.random.default_rng(0)
# Smooth and rough parts, odd sides: what resizing and blurring react to.
image = random.uniform(size=(3, 6, 7))
image = np.kron(image, np.ones((4, 3)))[:, :23, :21]
image = 0.8 * image + 0.2 * random.uniform(size=image.shape)
x = torch.tensor(image, dtype=torch.float32)

values = {"image": x}
for factor in (0.3, 1.0, 1.7):
    values[f"brightness_{factor}"] = F.adjust_brightness(x, factor)
    values[f"contrast_{factor}"] = F.adjust_contrast(x, factor)
    values[f"saturation_{factor}"] = F.adjust_saturation(x, factor)
values["grayscale"] = F.rgb_to_grayscale(x, 3)
values["solarize"] = F.solarize(x, 0.5)
for sigma in (0.4, 1.3):
    values[f"blur_{sigma}"] = F.gaussian_blur(x, [7, 7], [sigma, sigma])
boxes = [(0, 0, 23, 21), (3, 5, 17, 9), (10, 2, 6, 13), (22, 20, 1, 1)]
values["boxes"] = np.array(boxes, "float32")
for mode in ("bilinear", "bicubic"):
    for number, (top, left, height, width) in enumerate(boxes):
        values[f"crop_{mode}_{number}"] = F.resized_crop(
            x, top, left, height, width, [8, 12], InterpolationMode(mode), True
        )
for number, (angle, shear, shift) in enumerate(
    [(0, 0, (0, 0)), (20, 0, (0, 0)), (0, 15, (0, 0)), (-10, 5, (2, -3))]
):
    values[f"affine_{number}"] = F.affine(
        x, angle, shift, 1.0, [shear, 0.0], InterpolationMode.BILINEAR
    )
    values[f"affine_arguments_{number}"] = np.array([angle, shear, *shift], "float32")


def channels_last(value):
    value = np.asarray(value)
    return np.moveaxis(value, 0, -1) if value.ndim == 3 else value


path = Path(__file__).parent / "torchvision.npz"
np.savez_compressed(path, **{k: channels_last(v) for k, v in values.items()})
print(path, path.stat().st_size, "bytes")

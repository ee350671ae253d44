"""Pixel values in [0, 255] to the scale of an encoder."""

import keras

# Of the pixels of ImageNet, in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def pixel_scaling(mean=None, std=None):
    """The first layer of an encoder: pixel values in [0, 255] to its own scale.

    Args:
        mean, std: sequences of 3 floats for pixel values in [0, 1], or None.

    Returns:
        A `keras.layers.Rescaling`; it computes in float32 under any precision policy.

    Raises:
        ValueError: if only one of the two is given.
    """
    if (mean is None) != (std is None):
        raise ValueError(f"mean and std go together. Received: mean={mean}, std={std}")
    if mean is None:
        scale, offset = 1 / 255, 0.0
    else:
        scale = [1 / (255 * s) for s in std]
        offset = [-m / s for m, s in zip(mean, std, strict=True)]
    return keras.layers.Rescaling(scale, offset, dtype="float32", name="pixel_scaling")

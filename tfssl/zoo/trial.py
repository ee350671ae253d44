"""What an exported file is tried on, and how far it is from the model."""

import numpy as np

# Where a model takes images of any size.
_SIZES = (64, 96)


def tried(model):
    """Batches of images, one of a single image and one of several.

    Args:
        model: `keras.Model` of images.

    Yields:
        float32 arrays `[n, height, width, 3]`, values in [0, 255].
    """
    for seed, (count, size) in enumerate(zip((1, 8), _SIZES, strict=True)):
        height, width = (side or size for side in model.input_shape[1:3])
        yield pictures(count, height, width, seed)


def pictures(count, height, width, seed):
    """Random pictures: coarse patches and fine ones, as in photographs.

    Args:
        count, height, width: ints.
        seed: int.

    Returns:
        float32 array `[count, height, width, 3]`, values in [0, 255].
    """
    random = np.random.default_rng(seed)
    x = np.zeros((count, height, width, 3))
    for cells in (1, 2, 4, 8, 16):
        grid = random.normal(0, 100 / cells**0.5, (count, cells, cells, 3))
        rows, columns = (np.arange(n) * cells // n for n in (height, width))
        x += grid[:, rows][:, :, columns]
    return np.clip(x + 128, 0, 255).astype("float32")


def largest_difference(found, expected):
    """Of two arrays, relative to the largest value of the second: a float."""
    largest = max(np.abs(expected).max(), 1e-30)
    return float(np.abs(found - expected).max() / largest)


def mean_cosine(found, expected):
    """Of the rows of two arrays `[n, ...]`: a float."""
    a, b = (x.reshape(len(x), -1) for x in (found, expected))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(np.sum(a * b, axis=1) / np.maximum(norms, 1e-30)))

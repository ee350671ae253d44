"""`digits`: scikit-learn's handwritten digits, a data set that needs no download."""

import numpy as np

from tfssl.data.image_data import ImageData
from tfssl.data.pixels import rgb_batch
from tfssl.data.splits import UNDIVIDED

TEST_COUNT = 500


def load_digits(split="train", image_size=None, division=UNDIVIDED):
    """The 1,797 digits of `sklearn.datasets.load_digits`: 1,297 train, 500 test.

    scikit-learn ships no split. Here the images are put in the order of their classes
    (and within a class in scikit-learn's order), and 500 evenly spaced ones are the
    test split: stratified, and a function of nothing but the data.

    Args:
        split: `"train"` or `"test"`.
        image_size: side of the squares in pixels, resized from 8x8. Defaults to 16.
        division: `Division`. There is a test split, so only a `hold_out` divides.
    """
    from sklearn import datasets

    stored = division.stored(split, ("train", "test"), "digits")
    digits = datasets.load_digits()
    count = len(digits.target)
    by_class = np.argsort(digits.target, kind="stable")
    spaced = (2 * np.arange(TEST_COUNT) + 1) * count // (2 * TEST_COUNT)
    chosen = np.zeros(count, bool)
    chosen[by_class[spaced]] = True
    if stored == "train":
        chosen = ~chosen
    # Grey levels 0..16.
    grey = np.rint(digits.images[chosen] * (255 / 16)).astype(np.uint8)
    data = ImageData(
        images=rgb_batch(grey, 16 if image_size is None else image_size),
        labels=digits.target[chosen],
        class_names=tuple(str(name) for name in digits.target_names),
        name="digits",
        split=stored,
    )
    return division.take(data, split, cache_dir=None)

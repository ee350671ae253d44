"""The splits that a source has, and a test split for one that has none."""

import dataclasses
import numbers

import numpy as np

from tfssl import checks
from tfssl.data.storage import take


def check_split(split, known, name, hint=""):
    """Raises a ValueError that lists the splits that exist."""
    if split not in known:
        raise ValueError(
            f"{name} has no split {split!r}. It has: {', '.join(sorted(known))}.{hint}"
        )


@dataclasses.dataclass(frozen=True)
class Division:
    """How a set without a test split is divided into train and test.

    Args:
        test_fraction: fraction of the images of each class that is the test split. None
            leaves every set as it is.
        seed: int, draws the images.
        replace: bool, whether it takes the place of a test split that there is; else
            such a set is refused.

    Raises:
        ValueError: when the fraction is not between 0 and 1, or the seed is negative.

    Example:
        >>> import numpy as np
        >>> from tfssl.data.splits import Division
        >>> division = Division(test_fraction=0.2)
        >>> labels = np.repeat([0, 1], [10, 5])
        >>> test = division.rows("test", 15, labels, "mine")
        >>> labels[test]
        array([0, 0, 1])
    """

    test_fraction: float | None = None
    seed: int = 0
    replace: bool = False

    def __post_init__(self):
        checks.check_count(0, seed=self.seed)
        fraction = self.test_fraction
        if fraction is None:
            return
        # Written so that NaN is refused, too.
        if not (isinstance(fraction, numbers.Real) and 0 < fraction < 1):
            raise ValueError(
                f"{self.named} must be a number between 0 and 1, without both. "
                f"Received: {fraction!r}."
            )

    @property
    def named(self):
        """The argument of `tfssl.data.load` that the fraction was given as."""
        return "hold_out" if self.replace else "test_fraction"

    def stored(self, split, known, name, hint=""):
        """The split to read from the source: itself, or `"train"` to divide it.

        Args:
            split: the split that is asked for.
            known: names of the splits that the source has.
            name: the source, for messages.
            hint: what else would help when there is no such split.
        """
        if self.test_fraction is None:
            if split == "test" and "train" in known:
                hint += " test_fraction=0.2 takes a test split from train."
            check_split(split, known, name, hint)
            return split
        if "test" in known and not self.replace:
            raise ValueError(
                f"{name} has a test split of its own. Leave out "
                f"test_fraction={self.test_fraction}, or set hold_out to measure on "
                "training images in its place."
            )
        if split not in ("train", "test"):
            raise ValueError(
                f"{self.named}={self.test_fraction} divides {name} into 'train' and "
                f"'test'. Received: split={split!r}."
            )
        check_split("train", known, name, hint)
        return "train"

    def rows(self, split, count, labels, name):
        """The rows of `split` in the source's train split, ascending.

        Args:
            split: `"train"` or `"test"`.
            count: number of images.
            labels: int array `[count]`, -1 for images without one, which are never
                test images; or None.
            name: the source, for messages.

        Returns:
            int array; None when nothing is divided.
        """
        if self.test_fraction is None:
            return None
        labels = np.zeros(count, int) if labels is None else labels
        known = np.flatnonzero(labels >= 0)
        test = known[self._test_rows(labels[known])]
        if not len(test):
            raise ValueError(
                f"{name} has no class of two images or more, of which "
                f"{self.named}={self.test_fraction} could take one."
            )
        return test if split == "test" else np.setdiff1d(np.arange(count), test)

    def take(self, data, split, cache_dir):
        """`split` of a whole train split, `ImageData`; itself when nothing is divided.

        Args:
            data: `tfssl.data.ImageData`.
            split: `"train"` or `"test"`.
            cache_dir: see `tfssl.data.load`.
        """
        rows = self.rows(split, len(data), data.labels, data.name)
        if rows is None:
            return data
        return dataclasses.replace(
            data,
            images=take(data.images, rows, cache_dir),
            labels=None if data.labels is None else data.labels[rows],
            split=split,
        )

    def _test_rows(self, labels):
        random = np.random.default_rng(self.seed)
        by_class = np.argsort(labels, kind="stable")
        starts = np.unique(labels[by_class], return_index=True)[1]
        chosen = []
        for members in np.split(by_class, starts[1:]):
            count = max(round(self.test_fraction * len(members)), 1)
            # One at least is left to learn from.
            count = min(count, len(members) - 1)
            chosen.append(random.permutation(members)[:count])
        return np.sort(np.concatenate(chosen))


UNDIVIDED = Division()

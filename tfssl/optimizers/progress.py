"""Numbers that change over a run: momentum of a teacher, temperature, weight decay."""

import math

import keras
from keras import ops


class Schedule:
    """A number as a function of the progress of a run, from 0 to 1.

    Methods take a schedule wherever they take a number; `fit` knows how long the run
    is. A schedule defines `__call__(progress)`.

    Args:
        start, end: floats, the numbers that it begins and ends with; the others are
            between them.
    """

    def __init__(self, start, end):
        self.start, self.end = start, end

    @property
    def endpoints(self):
        return self.start, self.end

    def __call__(self, progress):
        """The number at a progress, a float32 scalar within [0, 1]."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__")

    def get_config(self):
        return {"start": self.start, "end": self.end}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __eq__(self, other):
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(repr(self))

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


@keras.saving.register_keras_serializable("tfssl")
class Cosine(Schedule):
    """Half a cosine from one number to another over the whole run.

    Args:
        start, end: floats.

    Example:
        >>> import tfssl
        >>> momentum = tfssl.optimizers.Cosine(0.9, 1.0)
        >>> [round(float(momentum(progress)), 3) for progress in (0.0, 0.5, 1.0)]
        [0.9, 0.95, 1.0]

    Source: Grill et al. 2020, arXiv 2006.07733, section 3.2.
    """

    def __call__(self, progress):
        height = 0.5 * (1.0 + ops.cos(math.pi * ops.cast(progress, "float32")))
        return self.end + (self.start - self.end) * height


@keras.saving.register_keras_serializable("tfssl")
class Linear(Schedule):
    """A straight line from one number to another, which then stays.

    Args:
        start, end: floats.
        until: float in (0, 1], the progress at which the end is reached. Defaults to 1.

    Raises:
        ValueError: for another `until`.

    Example:
        >>> import tfssl
        >>> temperature = tfssl.optimizers.Linear(0.04, 0.07, until=0.3)
        >>> [round(float(temperature(progress)), 3) for progress in (0.0, 0.15, 1.0)]
        [0.04, 0.055, 0.07]

    Source: Caron et al. 2021, arXiv 2104.14294, section 3 (teacher temperature).
    """

    def __init__(self, start, end, until=1.0):
        if not 0 < until <= 1:
            raise ValueError(f"until must be within (0, 1]. Received: until={until}")
        super().__init__(start, end)
        self.until = until

    def __call__(self, progress):
        passed = ops.minimum(ops.cast(progress, "float32") / self.until, 1.0)
        return self.start + (self.end - self.start) * passed

    def get_config(self):
        return {**super().get_config(), "until": self.until}


def value_at(number, progress):
    """A number, or what a schedule says at a progress of the run.

    Args:
        number: float, or `Schedule`.
        progress: float32 scalar within [0, 1].

    Returns:
        The float, or a float32 scalar tensor.

    Example:
        >>> from tfssl.optimizers import value_at
        >>> value_at(0.999, progress=0.5)
        0.999
    """
    return number(progress) if isinstance(number, Schedule) else number

"""Learning-rate rules and schedules."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfssl")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from 0 to the peak, then half a cosine down to the floor.

    Args:
        peak: float, the learning rate at the end of the warm-up.
        total_steps: int, the step at which the floor is reached.
        warmup_steps: int. Defaults to 0.
        floor: float, the learning rate at and after `total_steps`. Defaults to 0.

    Raises:
        ValueError: if `warmup_steps` is not in `[0, total_steps]`.

    Example:
        >>> import tfssl
        >>> rate = tfssl.optimizers.WarmupCosine(1.0, total_steps=100, warmup_steps=10)
        >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 55, 100)]
        [0.0, 0.5, 1.0, 0.5, 0.0]

    Source: Chen et al. 2020, arXiv 2002.05709, section 2.2.
    """

    def __init__(self, peak, total_steps, warmup_steps=0, floor=0.0):
        if not 0 <= warmup_steps <= total_steps:
            raise ValueError(
                f"warmup_steps must be between 0 and total_steps={total_steps}. "
                f"Received: warmup_steps={warmup_steps}"
            )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.floor = floor

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = self.peak * step / max(self.warmup_steps, 1)
        length = max(self.total_steps - self.warmup_steps, 1)
        progress = ops.clip((step - self.warmup_steps) / length, 0.0, 1.0)
        height = 0.5 * (1.0 + ops.cos(math.pi * progress))
        falling = self.floor + (self.peak - self.floor) * height
        return ops.where(step < self.warmup_steps, rising, falling)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "floor": self.floor,
        }


@keras.saving.register_keras_serializable("tfssl")
class Steps(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that falls at given steps, each time by the same factor.

    Args:
        peak: float, the learning rate at first.
        milestones: sequence of ints, the steps from which it is lower. `()` for none.
        factor: float, what it is multiplied with at each. Defaults to 0.1.

    Example:
        >>> import tfssl
        >>> rate = tfssl.optimizers.Steps(1.0, milestones=(60, 80))
        >>> [round(float(rate(step)), 3) for step in (0, 59, 60, 80, 100)]
        [1.0, 1.0, 0.1, 0.01, 0.01]

    Source: He et al. 2019, arXiv 1911.05722, section 3.3.
    """

    def __init__(self, peak, milestones=(), factor=0.1):
        self.peak = peak
        self.milestones = list(milestones)
        self.factor = factor

    def __call__(self, step):
        step = ops.cast(step, "float32")
        passed = sum(ops.cast(step >= at, "float32") for at in self.milestones)
        return self.peak * ops.power(self.factor, ops.cast(passed, "float32"))

    def get_config(self):
        return {"peak": self.peak, "milestones": self.milestones, "factor": self.factor}


def scale_rate(base, batch_size):
    """Learning rate for a batch size, in proportion to it.

    `peak_rate` grows one with the square root of the batch too.

    Args:
        base: float, the rate for 256 images a step.
        batch_size: int, images a step over all replicas.

    Returns:
        float.

    Example:
        >>> from tfssl.optimizers import scale_rate
        >>> round(scale_rate(0.3, 4096), 6)
        4.8
    """
    return base * batch_size / 256

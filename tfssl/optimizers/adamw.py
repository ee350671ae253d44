"""AdamW whose weight decay may change over the run."""

import keras
from keras import ops

from tfssl.checks import check_count, check_not_negative
from tfssl.optimizers.matrices import is_matrix
from tfssl.optimizers.progress import Schedule, value_at


@keras.saving.register_keras_serializable("tfssl")
class AdamW(keras.optimizers.AdamW):
    """AdamW with decoupled weight decay, a number or a schedule.

        w <- w - learning_rate (adam(gradient) + weight_decay w)

    The progress of a schedule is the steps taken divided by `total_steps`, so that a
    run that goes on does so exactly.

    Args:
        learning_rate: float or schedule. Defaults to 0.001.
        weight_decay: float, or `tfssl.optimizers.Schedule`. Defaults to 0.004.
        total_steps: int, the step at which a schedule ends, and stays. Defaults to
            None, for a float.
        decay_all: bool, whether biases and what has at most one dimension
            (normalisation) decay too, as in Keras. Defaults to True.
        **kwargs: as `keras.optimizers.AdamW`.

    Raises:
        ValueError: for a schedule without its `total_steps`, or a number out of range.

    Example:
        >>> import tfssl
        >>> decay = tfssl.optimizers.Cosine(0.04, 0.4)
        >>> optimizer = tfssl.optimizers.AdamW(weight_decay=decay, total_steps=100)
        >>> _ = optimizer.iterations.assign(50)
        >>> round(float(optimizer.weight_decay), 4)
        0.22

    Source: Loshchilov and Hutter 2017, arXiv 1711.05101; the schedule of Caron et al.
    2021, arXiv 2104.14294, appendix.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        total_steps=None,
        decay_all=True,
        name="adamw",
        **kwargs,
    ):
        check_not_negative(weight_decay=weight_decay)
        if total_steps is not None:
            check_count(total_steps=total_steps)
        scheduled = isinstance(weight_decay, Schedule)
        if scheduled and total_steps is None:
            raise ValueError(
                f"A schedule ends at total_steps. Received: weight_decay={weight_decay}"
                ", total_steps=None"
            )
        known = 0.0 if scheduled else weight_decay
        super().__init__(learning_rate, weight_decay=known, name=name, **kwargs)
        self.weight_decay = weight_decay
        self.total_steps = total_steps
        self.decay_all = decay_all

    @property
    def weight_decay(self):
        """What it is at this step."""
        if not isinstance(self._decay, Schedule):
            return self._decay
        steps = ops.cast(self.iterations, "float32")
        return value_at(self._decay, ops.minimum(steps / self.total_steps, 1.0))

    @weight_decay.setter
    def weight_decay(self, weight_decay):
        self._decay = weight_decay

    def _use_weight_decay(self, variable):
        decays = self.decay_all or is_matrix(variable)
        return decays and super()._use_weight_decay(variable)

    def get_config(self):
        decay = self._decay
        if isinstance(decay, Schedule):
            decay = keras.saving.serialize_keras_object(decay)
        return {
            **super().get_config(),
            "weight_decay": decay,
            "total_steps": self.total_steps,
            "decay_all": self.decay_all,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        if isinstance(config.get("weight_decay"), dict):
            config["weight_decay"] = keras.saving.deserialize_keras_object(
                config["weight_decay"], custom_objects
            )
        return super().from_config(config, custom_objects)

"""SGD with coupled weight decay."""

import keras

from tfssl.optimizers.matrices import check_constant_decay, is_matrix


@keras.saving.register_keras_serializable("tfssl")
class SGD(keras.optimizers.SGD):
    """Momentum SGD whose weight decay is added to the gradient.

    This is the weight decay that the papers of MoCo, SimSiam and CMC state. The
    `weight_decay` of `keras.optimizers.SGD` is decoupled, which is another rule: with
    momentum 0.9 the same number acts about ten times weaker there.

    Args:
        learning_rate: float or schedule. Defaults to 0.03.
        momentum: float. Defaults to 0.9.
        weight_decay: float. Defaults to 1e-4.
        nesterov: bool. Defaults to False.
        decay_all: bool, whether biases and what has at most one dimension
            (normalisation) decay too, as in the papers' codes. Defaults to True.
        constant: string, part of the paths of weights whose rate stays at the peak of
            the schedule, such as "predictor" for SimSiam. Without a schedule there is
            no other rate: what a callback or a function sets is that of all. Defaults
            to None.

    Raises:
        ValueError: for a negative weight decay or a schedule of it; by `build`, if no
            weight has such a path, or the peak of the schedule is unknown.

    Example:
        >>> import tfssl
        >>> tfssl.optimizers.SGD(0.03, weight_decay=5e-4).weight_decay is None
        True

    Source: He et al. 2019, arXiv 1911.05722, section 3.3; `constant`: Chen and He
    2020, arXiv 2011.10566, section 4.
    """

    def __init__(
        self,
        learning_rate=0.03,
        momentum=0.9,
        weight_decay=1e-4,
        nesterov=False,
        decay_all=True,
        constant=None,
        name="sgd",
        **kwargs,
    ):
        check_constant_decay(weight_decay)
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            nesterov=nesterov,
            name=name,
            **kwargs,
        )
        self.coupled_weight_decay = weight_decay
        self.decay_all = decay_all
        self.constant = constant

    def build(self, variables):
        super().build(variables)
        if self.constant is None:
            return
        # By their numbers: replicas hand over variables without a path.
        self._constants = [
            number for number, v in enumerate(variables) if self.constant in v.path
        ]
        if not self._constants:
            raise ValueError(
                "constant must be part of the path of a weight, such as "
                f"{variables[-1].path}. Received: constant={self.constant!r}"
            )
        self._peak_rate(now=None)

    def update_step(self, gradient, variable, learning_rate):
        decays = self.decay_all or is_matrix(variable)
        if decays and self._use_weight_decay(variable):
            gradient = gradient + self.coupled_weight_decay * variable
        if self.constant and self._get_variable_index(variable) in self._constants:
            learning_rate = self._peak_rate(learning_rate)
        super().update_step(gradient, variable, learning_rate)

    def _peak_rate(self, now):
        """The peak of the schedule, or without one the rate of this step."""
        rate, schedules = self._learning_rate, keras.optimizers.schedules
        if not isinstance(rate, schedules.LearningRateSchedule):
            return now
        if isinstance(rate, schedules.PiecewiseConstantDecay):
            return max(rate.values)
        # Those of tfssl say it; others of Keras begin with it, or warm up to it.
        for name in ("peak", "warmup_target", "initial_learning_rate"):
            if getattr(rate, name, None) is not None:
                return getattr(rate, name)
        raise ValueError(
            "constant holds weights at the peak of the schedule, which is unknown. "
            "Give the schedule an attribute `peak`, or take one of tfssl.optimizers. "
            f"Received: learning_rate={rate}, constant={self.constant!r}"
        )

    def get_config(self):
        return {
            **super().get_config(),
            "weight_decay": self.coupled_weight_decay,
            "decay_all": self.decay_all,
            "constant": self.constant,
        }

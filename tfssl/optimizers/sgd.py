"""SGD with coupled weight decay."""

import keras
from keras import ops

from tfssl.optimizers.matrices import is_matrix


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
            the schedule, such as "predictor" for SimSiam. Defaults to None.

    Raises:
        ValueError: by `build`, if no weight has such a path.

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

    def update_step(self, gradient, variable, learning_rate):
        if self.decay_all or is_matrix(variable):
            gradient = gradient + self.coupled_weight_decay * variable
        if self.constant and self._get_variable_index(variable) in self._constants:
            learning_rate = ops.cast(self._peak_rate(), gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def _peak_rate(self):
        rate = self._learning_rate
        if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return rate
        return rate.peak if hasattr(rate, "peak") else rate(0)

    def get_config(self):
        return {
            **super().get_config(),
            "weight_decay": self.coupled_weight_decay,
            "decay_all": self.decay_all,
            "constant": self.constant,
        }

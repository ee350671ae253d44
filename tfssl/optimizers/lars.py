"""LARS: layer-wise adaptive rate scaling."""

import keras
from keras import ops

from tfssl.checks import check_fraction, check_not_negative, check_positive
from tfssl.optimizers.matrices import check_constant_decay, is_matrix


@keras.saving.register_keras_serializable("tfssl")
class LARS(keras.optimizers.Optimizer):
    """Momentum SGD whose step is a fixed fraction of each weight's own norm.

    For a variable `w` with gradient `g`:

        g <- g + weight_decay * w
        r <- trust_coefficient * ||w|| / ||g||      (1 when either norm is 0)
        v <- momentum * v + learning_rate * r * g
        w <- w - v

    Biases and what has at most one dimension (normalisation) take plain momentum steps:
    no decay, and r is `plain_rate`. With `adapt_all` they are like all others.

    Args:
        learning_rate: float or schedule. Defaults to 0.3, the base rate of SimCLR for
            256 images; scale it with the batch.
        momentum: float. Defaults to 0.9.
        weight_decay: float, coupled (added to the gradient). Defaults to 1e-6.
        trust_coefficient: float. Defaults to 0.001.
        nesterov: bool. Defaults to False.
        rate_in_velocity: bool. True is the rule above, of SimCLR. False is the rule of
            the PyTorch codes (MoCo v3, Barlow Twins, VICReg) and of BYOL:
            `v <- momentum * v + r * g; w <- w - learning_rate * v`. The two are the
            same only while the learning rate is constant. Defaults to True.
        plain_rate: float, the learning rate of biases and normalisation as a fraction
            of that of the others. Defaults to 1.0.
        adapt_all: bool, whether biases and normalisation are decayed and adapted too,
            as by LARC (SwAV). Defaults to False.

    Raises:
        ValueError: for a number out of range, or a schedule as `weight_decay`.

    Example:
        >>> import keras, tfssl
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> model.compile(tfssl.optimizers.LARS(learning_rate=0.3), "mse")

    Source: You et al. 2017, arXiv 1708.03888; the variant of Chen et al. 2020, arXiv
    2002.05709, appendix B.
    """

    def __init__(
        self,
        learning_rate=0.3,
        momentum=0.9,
        weight_decay=1e-6,
        trust_coefficient=0.001,
        nesterov=False,
        rate_in_velocity=True,
        plain_rate=1.0,
        adapt_all=False,
        name="lars",
        **kwargs,
    ):
        check_fraction(momentum=momentum)
        check_constant_decay(weight_decay)
        check_positive(trust_coefficient=trust_coefficient)
        check_not_negative(plain_rate=plain_rate)
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = momentum
        # Not `self.weight_decay`: Keras would apply that one decoupled.
        self.coupled_weight_decay = weight_decay
        self.trust_coefficient = trust_coefficient
        self.nesterov = nesterov
        self.rate_in_velocity = rate_in_velocity
        self.plain_rate = plain_rate
        self.adapt_all = adapt_all

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self.velocities[self._get_variable_index(variable)]

        if self.adapt_all or is_matrix(variable):
            if self._use_weight_decay(variable):
                gradient = gradient + self.coupled_weight_decay * variable
            gradient = gradient * self._trust_ratio(variable, gradient)
        else:
            gradient = gradient * self.plain_rate

        step = rate * gradient if self.rate_in_velocity else gradient
        self.assign(velocity, self.momentum * velocity + step)
        if self.nesterov:
            step = self.momentum * velocity + step
        else:
            step = ops.convert_to_tensor(velocity)
        self.assign_sub(variable, step if self.rate_in_velocity else rate * step)

    def _trust_ratio(self, variable, gradient):
        weight_norm = _norm(variable)
        gradient_norm = _norm(gradient)
        ratio = self.trust_coefficient * weight_norm / gradient_norm
        usable = ops.logical_and(weight_norm > 0, gradient_norm > 0)
        return ops.cast(ops.where(usable, ratio, 1.0), gradient.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "weight_decay": self.coupled_weight_decay,
            "trust_coefficient": self.trust_coefficient,
            "nesterov": self.nesterov,
            "rate_in_velocity": self.rate_in_velocity,
            "plain_rate": self.plain_rate,
            "adapt_all": self.adapt_all,
        }


def _norm(x):
    return ops.sqrt(ops.sum(ops.square(ops.cast(x, "float32"))))

"""Methods in which a network plays against the rest."""

import keras
from keras import ops

from tfssl.methods.method import Method


class AdversarialMethod(Method):
    """A method with an adversary, which has an optimizer of its own.

    The constructor sets `adversary`, and `views_loss` calls `train_adversary`. The
    adversary's step comes first in each step. Without an adversary it is a plain
    `Method`.
    """

    # The network that plays against the rest, or None.
    adversary = None
    # The argument that is 0 for a model without its adversary.
    adversary_weight = None
    # Of the adversary's Adam, if `compile` gets no other optimizer.
    adversary_adam = {"learning_rate": 2e-4, "beta_1": 0.5}

    @property
    def learned_variables(self):
        """What the optimizer moves: all trainable variables but the adversary's."""
        if self.adversary is None:
            return super().learned_variables
        others = {id(v) for v in self.adversary.trainable_variables}
        return [v for v in self.trainable_variables if id(v) not in others]

    def compile(self, optimizer="adam", adversary_optimizer=None, **kwargs):
        """Sets the optimizers.

        Args:
            optimizer: `keras.optimizers.Optimizer` or its name.
            adversary_optimizer: the same, of the adversary. Defaults to Adam with the
                method's `adversary_adam`.
            **kwargs: as `Method.compile`.

        Raises:
            ValueError: for an adversary on another backend than TensorFlow, an
                optimizer for an adversary that is not there, or accumulate with an
                adversary.
        """
        if self.adversary is None and adversary_optimizer is not None:
            raise ValueError(
                f"{self.name} has no adversary. Received: "
                f"adversary_optimizer={adversary_optimizer}"
            )
        if self.adversary is not None:
            if keras.backend.backend() != "tensorflow":
                weight = self.adversary_weight
                raise ValueError(
                    f"{self.name} with an adversary trains on TensorFlow only. Set "
                    f"KERAS_BACKEND=tensorflow, or {weight}=0, in scripts "
                    f"--set={weight}=0. Received: "
                    f"KERAS_BACKEND={keras.backend.backend()}"
                )
            if kwargs.get("accumulate") is not None:
                raise ValueError(
                    f"{self.name} with an adversary, which takes a step of its own, "
                    "is not computed in parts. Leave out accumulate, or set "
                    f"{self.adversary_weight}=0. Received: "
                    f"accumulate={kwargs['accumulate']}"
                )
            adversary_optimizer = keras.optimizers.get(
                adversary_optimizer or keras.optimizers.Adam(**self.adversary_adam)
            )
        self.adversary_optimizer = adversary_optimizer
        super().compile(optimizer=optimizer, **kwargs)

    def build_optimizers(self):
        super().build_optimizers()
        if self.adversary is not None:
            with self.distribute_strategy.scope():
                self.adversary_optimizer.build(self.adversary.trainable_variables)

    def get_compile_config(self):
        config = super().get_compile_config()
        if self.adversary_optimizer is not None:
            config["adversary_optimizer"] = keras.saving.serialize_keras_object(
                self.adversary_optimizer
            )
        return config

    def train_adversary(self, loss_of):
        """One step of the adversary; none while the model is evaluated.

        Args:
            loss_of: function without arguments that returns the adversary's loss, a
                scalar, the mean over this replica's images.

        Returns:
            The loss, which takes no gradient.
        """
        from tfssl.training.tensorflow import minimize

        if self.evaluating:
            return ops.stop_gradient(loss_of())
        variables = self.adversary.trainable_variables
        loss, _ = minimize(self.adversary_optimizer, variables, lambda: (loss_of(), {}))
        return ops.stop_gradient(loss)

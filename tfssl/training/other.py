"""In place of a training step, on backends that have none."""

import keras


class Step:
    """Mixin of `tfssl.training.Trainer`: a method cannot be made here.

    Encoders can: loading and measuring one takes no step.
    """

    num_replicas = num_shards = 1

    def __init__(self, *args, **kwargs):
        raise ValueError(
            "tfssl trains on the TensorFlow and JAX backends; encoders, features, kNN "
            "and probes run on this one too. Set the environment variable "
            "KERAS_BACKEND=tensorflow or jax before keras is imported. Received: "
            f"{type(self).__name__} with KERAS_BACKEND={keras.backend.backend()}"
        )

"""How one step is taken, watched and resumed."""

import keras

if keras.backend.backend() == "tensorflow":
    from tfssl.training.tensorflow import Trainer
elif keras.backend.backend() == "jax":
    from tfssl.training.jax import Trainer
else:
    raise ImportError(
        "tfssl trains on the TensorFlow and JAX backends of Keras. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}. Set KERAS_BACKEND=tensorflow or jax."
    )

from tfssl.training.batches import Batches
from tfssl.training.health import HealthCheck, Monitor, TrainingStopped
from tfssl.training.images import fit_images, input_size
from tfssl.training.workdir import Workdir

__all__ = [
    "Batches",
    "HealthCheck",
    "Monitor",
    "Trainer",
    "TrainingStopped",
    "Workdir",
    "fit_images",
    "input_size",
]

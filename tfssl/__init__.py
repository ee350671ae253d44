"""tfssl: self-supervised pretraining of image encoders in Keras.

Pretrain an encoder on images alone, then fine-tune it with few labels:

    images -> views -> encoder -> head -> loss -> step          `tfssl.methods`
    images -> encoder -> features -> kNN, linear, classifier    `tfssl.transfer`
    encoder + card -> zoo -> encoder                            `tfssl.zoo`
"""

from tfssl import (
    data,
    encoders,
    heads,
    layers,
    losses,
    methods,
    optimizers,
    runs,
    training,
    transfer,
    views,
    zoo,
)
from tfssl.version import __version__

# Keras finds the class of a saved model where the class has been imported.
for _name in methods.METHODS:
    methods.method_class(_name)
for _name in encoders.ENCODERS:
    getattr(encoders, _name)

__all__ = [
    "__version__",
    "data",
    "encoders",
    "heads",
    "layers",
    "losses",
    "methods",
    "optimizers",
    "runs",
    "training",
    "transfer",
    "views",
    "zoo",
]

"""tfssl: self-supervised pretraining of image encoders in Keras.

Pretrain an encoder on images alone, then fine-tune it with few labels:

    images -> views -> encoder -> head -> loss -> step          `tfssl.methods`
    images -> encoder -> features -> kNN, linear, classifier    `tfssl.transfer`
    encoder + card -> zoo -> encoder                            `tfssl.zoo`
"""

from tfssl import (
    data,
    encoders,
    layers,
    losses,
    methods,
    optimizers,
    training,
    transfer,
    views,
    zoo,
)
from tfssl.version import __version__

__all__ = [
    "__version__",
    "data",
    "encoders",
    "layers",
    "losses",
    "methods",
    "optimizers",
    "training",
    "transfer",
    "views",
    "zoo",
]

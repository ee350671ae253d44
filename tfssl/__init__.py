"""tfssl: self-supervised pretraining of image encoders in Keras.

Pretrain an encoder on images alone, then fine-tune it with few labels:

    images -> views -> encoder -> head -> loss -> step          `tfssl.methods`
    images -> encoder -> features -> kNN, linear, classifier    `tfssl.transfer`
    encoder + card -> zoo -> encoder                            `tfssl.zoo`
"""

from tfssl import lazy
from tfssl.version import __version__

_FLOORS = (
    "losses",
    "optimizers",
    "layers",
    "heads",
    "views",
    "training",
    "encoders",
    "methods",
    "data",
    "transfer",
    "zoo",
    "runs",
)

__all__ = ["__version__", *_FLOORS]
__getattr__, __dir__ = lazy.parts(__name__, {floor: floor for floor in _FLOORS})

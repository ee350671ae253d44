"""How one step is taken, watched and resumed."""

from tfssl.training.batches import Batches
from tfssl.training.health import HealthCheck, Monitor, TrainingStopped
from tfssl.training.images import check_images, fit_images, input_size
from tfssl.training.labelled_batches import LabelledBatches
from tfssl.training.streamed_images import StreamedImages
from tfssl.training.trainer import Trainer

__all__ = [
    "Batches",
    "HealthCheck",
    "LabelledBatches",
    "Monitor",
    "StreamedImages",
    "Trainer",
    "TrainingStopped",
    "check_images",
    "fit_images",
    "input_size",
]

"""What an encoder is worth: kNN, linear probe, few labels."""

from tfssl.transfer.classifier import classifier, copy_of, reinitialized
from tfssl.transfer.distillation import Distillation, distillation_loss
from tfssl.transfer.features import features
from tfssl.transfer.few_labels import few_label_indices
from tfssl.transfer.finetune import FewLabelTrainer, default_augmentation, finetune
from tfssl.transfer.head import with_head
from tfssl.transfer.hidden import hidden_probe
from tfssl.transfer.knn import KNNCallback, few_label_knn, knn_accuracy, knn_predict
from tfssl.transfer.linear import LinearProbe, linear_probe

__all__ = [
    "Distillation",
    "FewLabelTrainer",
    "KNNCallback",
    "LinearProbe",
    "classifier",
    "copy_of",
    "default_augmentation",
    "distillation_loss",
    "features",
    "few_label_indices",
    "few_label_knn",
    "finetune",
    "hidden_probe",
    "knn_accuracy",
    "knn_predict",
    "linear_probe",
    "reinitialized",
    "with_head",
]

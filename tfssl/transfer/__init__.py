"""What an encoder is worth: kNN, linear probe, few labels."""

from tfssl.transfer.classifier import classifier, copy_of, reinitialized
from tfssl.transfer.features import features
from tfssl.transfer.few_labels import few_label_indices
from tfssl.transfer.finetune import finetune
from tfssl.transfer.knn import KNNCallback, knn_accuracy, knn_predict
from tfssl.transfer.linear import LinearProbe, linear_probe
from tfssl.transfer.report import write_report

__all__ = [
    "KNNCallback",
    "LinearProbe",
    "classifier",
    "copy_of",
    "features",
    "few_label_indices",
    "finetune",
    "knn_accuracy",
    "knn_predict",
    "linear_probe",
    "reinitialized",
    "write_report",
]

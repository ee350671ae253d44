"""What an encoder is worth: kNN, linear probe, few labels, distillation.

The protocols of features, `knn`, `few_label_knn`, `few_label_linear`, `linear_probe`
and `hidden_probe`, take `(train_features, train_labels, test_features, test_labels)`;
`few_label_accuracy` takes the encoder and the images. Each returns a `Result`.
"""

from tfssl.transfer.classifier import classifier, copy_of, reinitialized
from tfssl.transfer.distillation import Distillation, distillation_loss
from tfssl.transfer.feature_files import kept_features
from tfssl.transfer.features import features, predict
from tfssl.transfer.few_labels import few_label_accuracy, few_label_linear
from tfssl.transfer.head import with_head
from tfssl.transfer.hidden import hidden_probe
from tfssl.transfer.image_classifier import (
    ImageClassifier,
    fine_tune,
    load_classifier,
)
from tfssl.transfer.knn import few_label_knn, knn, knn_accuracy, knn_predict
from tfssl.transfer.knn_callback import KNNCallback
from tfssl.transfer.layers import feature_model, pixels
from tfssl.transfer.linear import linear_probe
from tfssl.transfer.result import (
    Result,
    read_results,
    record_results,
    table,
    write_results,
)
from tfssl.transfer.search import Index
from tfssl.transfer.subsets import few_label_indices
from tfssl.transfer.trainer import FewLabelTrainer

__all__ = [
    "Distillation",
    "FewLabelTrainer",
    "ImageClassifier",
    "Index",
    "KNNCallback",
    "Result",
    "classifier",
    "copy_of",
    "distillation_loss",
    "feature_model",
    "features",
    "few_label_accuracy",
    "few_label_indices",
    "few_label_knn",
    "few_label_linear",
    "fine_tune",
    "hidden_probe",
    "kept_features",
    "knn",
    "knn_accuracy",
    "knn_predict",
    "linear_probe",
    "load_classifier",
    "pixels",
    "predict",
    "read_results",
    "record_results",
    "reinitialized",
    "table",
    "with_head",
    "write_results",
]

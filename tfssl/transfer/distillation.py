"""Distillation: a classifier learns from another one, on images without labels."""

import keras
from keras import ops

from tfssl import layers, losses
from tfssl.checks import check_fraction, check_positive
from tfssl.methods import Method
from tfssl.views import CropViews


def distillation_loss(teacher_logits, student_logits, temperature=1.0):
    """Cross-entropy of the student with the class probabilities of the teacher.

    Args:
        teacher_logits, student_logits: float tensors `[batch, classes]`.
        temperature: float, divides both. Defaults to 1.

    Returns:
        float32 scalar, the mean over the batch, times the square of the temperature
        so that gradients keep their size. No gradient reaches the teacher.

    Example:
        >>> import keras, tfssl
        >>> logits = keras.ops.zeros((4, 10))
        >>> round(float(tfssl.transfer.distillation_loss(logits, logits)), 4)
        2.3026

    Source: Chen et al. 2020, arXiv 2006.10029, equation 2; the factor as in the
    released code.
    """
    teacher = ops.softmax(ops.cast(teacher_logits, "float32") / temperature)
    student = ops.log_softmax(ops.cast(student_logits, "float32") / temperature)
    agreement = ops.sum(ops.stop_gradient(teacher) * student, axis=-1)
    return -ops.mean(agreement) * temperature**2


@keras.saving.register_keras_serializable("tfssl")
class Distillation(Method):
    """Trains a student to classify images as a fine-tuned teacher does.

        loss = alpha temperature^2 CE(softmax(teacher / temperature), student / temp.)
               + (1 - alpha) CE(labels, student)       where there are labels

    `fit` takes images, or a `tf.data.Dataset` or `tfssl.data.Batches` of
    `(images, labels)` in which -1 stands for no label. The student may be as large as
    the teacher (self-distillation), or smaller.

    Args:
        student: `keras.Model` from images to logits, such as
            `tfssl.transfer.classifier`.
        teacher: `keras.Model` from images to logits of the same classes. A copy of it
            teaches, in inference mode; yours is left as it is.
        views: `tfssl.views.Views` of one view. Defaults to crops and flips
            (`tfssl.views.CropViews`) at the student's image size.
        temperature: float above 0, divides the logits of both. Defaults to 1.
        alpha: float in [0, 1], weight of the teacher. Defaults to 1: no labels.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: if the two have different numbers of classes, for a temperature or
            weight out of range, or views of another number than one.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> teacher = tfssl.transfer.classifier(encoder, num_classes=3)
        >>> student = tfssl.transfer.classifier(encoder, num_classes=3)
        >>> model = tfssl.transfer.Distillation(student, teacher)
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Chen et al. 2020, arXiv 2006.10029, section 2.
    """

    views_class = CropViews
    num_views = 1
    log_names = ("agreement",)
    # Its features are logits; a new student gives all images the same.
    can_collapse = False

    def __init__(
        self,
        student,
        teacher,
        views=None,
        temperature=1.0,
        alpha=1.0,
        seed=0,
        name="distillation",
    ):
        super().__init__(student, views, seed=seed, name=name)
        if student.output_shape[-1] != teacher.output_shape[-1]:
            raise ValueError(
                "Student and teacher must tell the same classes apart. Received: "
                f"{student.output_shape[-1]} and {teacher.output_shape[-1]} logits"
            )
        check_positive(temperature=temperature)
        check_fraction(alpha=alpha)
        self.student = student
        self.teacher = layers.frozen_copy(teacher, "teacher")
        self.temperature = temperature
        self.alpha = alpha

    def batch_of(self, data):
        batch = super().batch_of(data)
        if self.alpha < 1 and batch.labels is None:
            raise ValueError(
                f"alpha={self.alpha} needs labels, -1 for images without. Feed "
                "(images, labels). Received: images alone"
            )
        return batch

    def views_loss(self, batch):
        (images,) = batch.views
        teacher = self.teacher(images, training=False)
        student = self.student(images, training=True)
        loss = self.alpha * distillation_loss(teacher, student, self.temperature)
        if self.alpha < 1:
            labels = ops.cast(batch.labels, "int32")
            loss += (1.0 - self.alpha) * losses.labelled_cross_entropy(student, labels)
        agreement = losses.accuracy(student, ops.argmax(teacher, axis=-1))
        return loss, {"agreement": agreement}

"""A classifier to take home: images in, names out."""

import keras
import numpy as np

from tfssl.encoders import in_float32
from tfssl.transfer.classifier import classifier
from tfssl.transfer.features import features, predict
from tfssl.transfer.labels import check_labels
from tfssl.transfer.logistic import cross_validated_logistic, dense_weights
from tfssl.transfer.trainer import FewLabelTrainer

MODES = ("finetuned", "frozen")


@keras.saving.register_keras_serializable("tfssl")
class ImageClassifier(keras.Model):
    """Images to the probabilities of their classes, with the names of the classes.

    It is a Keras model of float32 images `[batch, height, width, 3]` with values in
    [0, 255] to probabilities `[batch, classes]`: it is saved, loaded and exported as
    any other, and its names, image size and scaling go with it. `classify` also takes
    images of another size.

    Args:
        network: `keras.Model` from images to logits, such as
            `tfssl.transfer.classifier`.
        class_names: sequence of strings, one a class.

    Raises:
        ValueError: for another number of names than of classes.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> network = tfssl.transfer.classifier(encoder, num_classes=2)
        >>> model = tfssl.transfer.ImageClassifier(network, ["cat", "dog"])
        >>> model.classify(np.zeros((1, 24, 40, 3), "uint8"), top=1)
        [[('cat', 0.5)]]
    """

    def __init__(self, network, class_names, name="image_classifier", **kwargs):
        class_names = tuple(map(str, class_names))
        if len(class_names) != network.output_shape[-1]:
            raise ValueError(
                f"{network.name} has {network.output_shape[-1]} classes and needs a "
                f"name for each. Received: {len(class_names)} class_names"
            )
        images = keras.Input(network.input_shape[1:], name="images")
        # In float32, whatever the network computes in.
        probabilities = keras.layers.Softmax(dtype="float32")(network(images))
        super().__init__(images, probabilities, name=name, **kwargs)
        self.network = network
        self.class_names = class_names

    @classmethod
    def of(cls, encoder, kernel, bias, class_names=None):
        """A classifier from an encoder and the linear layer that was found for it.

        Args:
            encoder: `keras.Model` from images to features `[batch, dim]`; it is copied.
            kernel, bias: arrays `[dim, classes]` and `[classes]`.
            class_names: sequence of strings. Defaults to the numbers.

        Returns:
            `ImageClassifier` in float32.
        """
        encoder = in_float32(encoder)
        network = classifier(encoder, len(bias))
        network.set_weights([*encoder.get_weights(), kernel, bias])
        return cls(network, range(len(bias)) if class_names is None else class_names)

    def classify(self, images, top=3, batch_size=None):
        """The likeliest classes of images.

        Args:
            images: array `[n, height, width, 3]`, pixel values in [0, 255]; of another
                size than the network's, they are brought to it.
            top: int, classes to name, or all if there are fewer. Defaults to 3.
            batch_size: int. Defaults to what `tfssl.transfer.features` takes.

        Returns:
            For each image a list of tuples `(class name, probability)`, the likeliest
            first.
        """
        found = predict(self, images, batch_size)
        order = np.argsort(-found, axis=1, kind="stable")[:, :top]
        return [
            [(self.class_names[i], float(row[i])) for i in ranked]
            for row, ranked in zip(found, order, strict=True)
        ]

    def get_config(self):
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "class_names": list(self.class_names),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})


def fine_tune(
    encoder,
    images,
    labels,
    class_names=None,
    *,
    mode="finetuned",
    steps=None,
    batch_size=64,
    learning_rate=1e-3,
    augment="auto",
    seed=0,
):
    """A classifier from a pretrained encoder and labelled images.

    Args:
        encoder: `keras.Model` from images to features; it is left as it is.
        images: array `[n, height, width, 3]`, pixel values in [0, 255], of any size.
        labels: integer array `[n]`, from 0.
        class_names: sequence of strings, one a class. Defaults to the numbers.
        mode: "finetuned", encoder and classifier are trained together; or "frozen", a
            logistic regression on the features, which takes seconds.
        steps: int, updates of "finetuned". Defaults to 10 passes over the images, and
            400 at least.
        batch_size, learning_rate, augment: of "finetuned", see `FewLabelTrainer`.
        seed: int, of order and views. Defaults to 0.

    Returns:
        `ImageClassifier`.

    Raises:
        ValueError: for another mode, a single class, or labels that are no integer
            from 0 for each image.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> images = np.repeat([0, 255], 8)[:, None, None, None] * np.ones((16, 16, 3))
        >>> model = tfssl.transfer.fine_tune(
        ...     encoder, images, np.repeat([0, 1], 8), ["dark", "light"], mode="frozen"
        ... )
        >>> [ranked[0][0] for ranked in model.classify(images[[0, 15]])]
        ['dark', 'light']
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}. Received: mode={mode!r}")
    labels = check_labels(labels, len(images), "labels")
    num_classes = int(labels.max()) + 1 if class_names is None else len(class_names)
    if class_names is None:
        class_names = range(num_classes)
    if len(np.unique(labels)) < 2 or labels.max() >= num_classes:
        raise ValueError(
            "A classifier needs images of two classes at least, and a name for each "
            f"class. Received: the labels {np.unique(labels).tolist()[:10]} and "
            f"{num_classes} class names"
        )
    if mode == "frozen":
        head = cross_validated_logistic(features(encoder, images), labels)
        return ImageClassifier.of(
            encoder, *dense_weights(head, num_classes), class_names
        )
    steps = steps or max(400, -(-10 * len(images) // batch_size))
    trainer = FewLabelTrainer(
        encoder, num_classes, steps, batch_size, learning_rate, augment
    )
    # Not the trained one: its optimizer would be saved with it.
    network = classifier(encoder, num_classes)
    network.set_weights(trainer.fit(images, labels, seed=seed).get_weights())
    return ImageClassifier(network, class_names)


def load_classifier(path):
    """The classifier that was saved with `classifier.save(path)`.

    Args:
        path: string or `pathlib.Path` of a .keras file.

    Returns:
        `ImageClassifier`.

    Raises:
        ValueError: for a file of another model.
    """
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    if not isinstance(model, ImageClassifier):
        raise ValueError(
            f"{path} is no classifier: it has no names of classes. Make one with "
            "tfssl.transfer.fine_tune, or `tfssl finetune --save=classifier.keras`. "
            f"Received: {model.name}, {type(model).__name__}"
        )
    return model

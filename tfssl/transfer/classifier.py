"""A classifier on top of an encoder."""

import keras


def classifier(encoder, num_classes, trainable=True):
    """An image classifier that starts from a copy of an encoder.

    Your encoder is left as it is. The new layer starts at zero, so all classes are
    equally likely at first.

    Args:
        encoder: `keras.Model` from images to features or a feature map.
        num_classes: int.
        trainable: bool. True fine-tunes everything. False keeps the encoder frozen: it
            runs in inference mode and none of its variables changes, the statistics of
            its normalisation included.

    Returns:
        `keras.Model` from images `[batch, height, width, 3]` to float32 logits
        `[batch, num_classes]`. Compile it with a loss `from_logits=True`.

    Raises:
        ValueError: for fewer than two classes.

    Example:
        >>> import keras, tfssl
        >>> encoder = tfssl.encoders.resnet18(16, stem="small", width=4)
        >>> model = tfssl.transfer.classifier(encoder, num_classes=3)
        >>> model.output_shape
        (None, 3)
    """
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2. Received: {num_classes}")
    encoder = copy_of(encoder)
    encoder.trainable = trainable
    images = keras.Input(encoder.input_shape[1:], name="images")
    # Without the argument Keras passes on the mode of the whole classifier.
    x = encoder(images) if trainable else encoder(images, training=False)
    if len(x.shape) == 4:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer="zeros", dtype="float32", name="logits"
    )(x)
    return keras.Model(images, logits, name=f"{encoder.name}_classifier")


def copy_of(encoder):
    """A new model of the same architecture and weights.

    Args:
        encoder: built `keras.Model` whose config says how it is made.

    Returns:
        `keras.Model`; it shares nothing with the encoder.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> copy = tfssl.transfer.copy_of(encoder)
        >>> np.array_equal(copy.get_weights()[0], encoder.get_weights()[0])
        True
    """
    copy = reinitialized(encoder)
    copy.set_weights(encoder.get_weights())
    return copy


def reinitialized(encoder):
    """A new model of the same architecture, with weights drawn anew.

    Args:
        encoder: built `keras.Model` whose config says how it is made.

    Returns:
        `keras.Model` with random weights, as the initializers draw them.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> fresh = tfssl.transfer.reinitialized(encoder)
        >>> np.array_equal(fresh.get_weights()[0], encoder.get_weights()[0])
        False
    """
    config = keras.saving.serialize_keras_object(encoder)
    return keras.saving.deserialize_keras_object(config)

"""Program: with KERAS_BACKEND=torch an encoder is published, loaded and measured.

Only training is refused. It prints "fine".
"""

import tempfile

import keras
import numpy as np

import tfssl
from tfssl import transfer

assert keras.backend.backend() == "torch"


def refused(train):
    try:
        train()
    except ValueError as error:
        assert "tfssl trains on the TensorFlow and JAX backends" in str(error)
        assert "KERAS_BACKEND=torch" in str(error)
        return True
    return False


keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
labels = np.arange(60) % 3
images = random.integers(0, 100, (60, 16, 16, 3), "uint8")
# Red, green and blue ones.
images += (150 * np.eye(3)[labels][:, None, None]).astype("uint8")

# Both kinds of a small network: of tfssl's own layers and of Keras's.
image = keras.Input((16, 16, 3))
plain = keras.layers.Conv2D(8, 3, activation="relu")(image)
plain = keras.layers.BatchNormalization()(plain)
encoders = [
    tfssl.encoders.resnet10(16, stem="small", width=4),
    keras.Model(image, keras.layers.GlobalAveragePooling2D()(plain)),
]
for encoder in encoders:
    with tempfile.TemporaryDirectory() as zoo:
        card = {"method": "simclr", "dataset": "digits"}
        tfssl.zoo.publish(encoder, "small", zoo=zoo, card=card)
        loaded = tfssl.zoo.load("small", source=zoo)
    features = transfer.features(loaded, images)
    np.testing.assert_allclose(
        features, transfer.features(encoder, images), rtol=1e-4, atol=1e-5
    )
    train, test = (features[:30], labels[:30]), (features[30:], labels[30:])
    assert transfer.knn(*train, *test, k=5).value > 0.9
    assert transfer.linear_probe(*train, *test).value > 0.9
    assert transfer.hidden_probe(*train, *test).value > 0.5
    assert refused(lambda encoder=encoder: tfssl.methods.SimCLR(encoder))

recipe = tfssl.methods.recipe("simclr", image_size=16)
assert refused(lambda: recipe.make(256))
print("fine")

"""Writes tensorflow_addons.npz: colours, blur and optimizer steps of tensorflow-addons.

tensorflow-addons does not import beside Keras 3. Run this in an environment of its own,
with Python 3.11 or older and the requirements in tensorflow_addons.txt:

    python tests/references/make_tensorflow_addons.py
"""

import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

TURNS = [-0.2, -0.05, 0.1, 0.5]
SIGMAS = [0.3, 0.8, 1.4, 2.0]
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.1
STEPS = 5


def views(random):
    images = random.uniform(size=(4, 9, 11, 3)).astype("float32")
    yield "images", images
    yield "turns", np.asarray(TURNS, "float32")
    yield (
        "hue",
        np.stack(
            [
                tfa.image.adjust_hsv_in_yiq(image, 2 * np.pi * turn)
                for image, turn in zip(images, TURNS, strict=True)
            ]
        ),
    )
    yield "sigmas", np.asarray(SIGMAS, "float32")
    yield (
        "blur",
        np.stack(
            [
                tfa.image.gaussian_filter2d(image, 5, sigma, padding="REFLECT")
                for image, sigma in zip(images, SIGMAS, strict=True)
            ]
        ),
    )


def optimizer_steps(random):
    """Weights after each of five steps along given gradients."""
    start = random.normal(size=(4, 3)).astype("float32")
    gradients = random.normal(size=(STEPS, 4, 3)).astype("float32")
    yield "weights", start
    yield "gradients", gradients
    optimizers = {
        "lamb": tfa.optimizers.LAMB(LEARNING_RATE, epsilon=1e-6),
        "lamb_decay": tfa.optimizers.LAMB(
            LEARNING_RATE, epsilon=1e-6, weight_decay=WEIGHT_DECAY
        ),
        # Their decay is not multiplied by the learning rate.
        "adamw": tfa.optimizers.AdamW(
            LEARNING_RATE * WEIGHT_DECAY, LEARNING_RATE, epsilon=1e-7
        ),
        "sgdw": tfa.optimizers.SGDW(
            LEARNING_RATE * WEIGHT_DECAY, LEARNING_RATE, momentum=0.9
        ),
    }
    for name, optimizer in optimizers.items():
        weights = tf.Variable(start)
        path = []
        for gradient in gradients:
            optimizer.apply_gradients([(tf.constant(gradient), weights)])
            path.append(weights.numpy())
        yield name, np.stack(path)


def main():
    random = np.random.default_rng(0)
    values = {
        "learning_rate": LEARNING_RATE,
        "weight_decay": WEIGHT_DECAY,
        **dict(views(random)),
        **dict(optimizer_steps(random)),
    }
    path = pathlib.Path(__file__).parent / "tensorflow_addons.npz"
    np.savez_compressed(path, **values)


if __name__ == "__main__":
    main()

"""Score networks and discriminators of Deep InfoMax."""

import keras
from keras import ops

from tfssl import layers


def score_network(input_shape, units, name, center=True):
    """One hidden layer and a shortcut over the last axis, in float32.

        LayerNorm(W_2 relu(norm(W_1 x)) + W_s x),    W_s nearly the identity

    Args:
        input_shape: tuple, of what it takes, without the batch.
        units: int, width of the hidden layer and of what it gives.
        name: string.
        center: bool, whether the last normalisation has a shift. Defaults to True.

    Returns:
        `keras.Model`, `[batch, ..., dim]` to float32 `[batch, ..., units]`.

    Source: Hjelm et al. 2018, arXiv 1808.06670, appendix A.2.
    """
    inputs = keras.Input(input_shape)
    # The scores are large: half precision would round away what matters.
    dense = {"dtype": "float32"}
    x = keras.layers.Dense(units, use_bias=False, **dense, name="hidden")(inputs)
    x = layers.BatchNormalization(**dense, name="norm")(x)
    x = keras.layers.ReLU(**dense, name="relu")(x)
    x = keras.layers.Dense(units, **dense, name="linear")(x)
    shortcut = keras.layers.Dense(
        units, kernel_initializer=NearIdentity(), **dense, name="shortcut"
    )(inputs)
    x = keras.layers.Add(**dense, name="add")([x, shortcut])
    x = keras.layers.LayerNormalization(center=center, **dense, name="layer_norm")(x)
    return keras.Model(inputs, x, name=name)


def global_network(map_shape, units, center=True):
    """A second way from the local map to a vector.

    Args:
        map_shape: tuple `(height, width, channels)`.
        units: int, width of the vector.
        center: bool, whether the last layer has a bias. Defaults to True.

    Returns:
        `keras.Model` to float32 `[batch, units]`.

    Source: Hjelm et al. 2018, arXiv 1808.06670, appendix A.2.
    """
    return keras.Sequential(
        [
            keras.Input(map_shape),
            keras.layers.Conv2D(64, 3, activation="relu", padding="same"),
            keras.layers.Conv2D(32, 3, activation="relu", padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(units, use_bias=center, dtype="float32"),
        ],
        name="global_score",
    )


def prior_discriminator(dim):
    """Tells features within [0, 1] from uniform noise.

    Args:
        dim: int, width of the features.

    Returns:
        `keras.Model`, `[batch, dim]` to float32 logits `[batch, 1]`.

    Source: Hjelm et al. 2018, arXiv 1808.06670, appendix A.2.
    """
    return keras.Sequential(
        [
            keras.Input((dim,)),
            keras.layers.Dense(1000, activation="relu", dtype="float32"),
            keras.layers.Dense(200, activation="relu", dtype="float32"),
            keras.layers.Dense(1, dtype="float32"),
        ],
        name="prior_discriminator",
    )


@keras.saving.register_keras_serializable("tfssl")
class NearIdentity(keras.initializers.Initializer):
    """Ones on the diagonal of a kernel and small uniform numbers elsewhere."""

    def __call__(self, shape, dtype=None):
        noise = keras.random.uniform(shape, -0.01, 0.01, dtype=dtype)
        eye = ops.eye(*shape, dtype=dtype)
        return eye + (1.0 - eye) * noise

"""Deep InfoMax: tell from features which image they came from, place by place."""

import math

import keras
from keras import ops

from tfssl import encoders, layers, replicas
from tfssl.checks import check_count, check_not_negative
from tfssl.methods.method import Method
from tfssl.views import CropViews, RandomStream

_EXCLUDED = -1e9


@keras.saving.register_keras_serializable("tfssl")
class DeepInfoMax(Method):
    """Maximises the information between an image's features and its local features.

        C = local map of the encoder            [batch, places, channels]
        Y = projector(encoder(image))           [batch, dim]
        T(n, l; m) = local_score(C_n)_l . score(Y_m)
        loss = global_weight I_global + local_weight I_local + prior_weight prior

    Each term I estimates how well T tells the pairs of one image, n = m, from all
    others; images of all replicas are the others. The prior is the loss of a
    discriminator that learns to tell sigmoid(Y) from uniform noise, and is fooled.
    `global_weight=0, local_weight=1, prior_weight=0.1` is DIM(L), the default;
    `global_weight=1, local_weight=0, prior_weight=1` is DIM(G).

    With two views of each image the places are those of one view and Y is that of the
    other, both ways, so that what a crop changes is no longer shared.

    Args:
        encoder: functional `keras.Model`, images to features, such as
            `tfssl.encoders.dim_cnn`.
        views: `tfssl.views.Views` that makes one view or two. Defaults to one of crops
            and flips, `tfssl.views.CropViews`, at the encoder's image size.
        local_layer: string, the layer of the encoder whose output is the local map.
            Defaults to the layer named "local", or else the last one that gives a map.
        dim: int, width of Y. Defaults to 64.
        units: int, width of the score networks. Defaults to 2048.
        estimator: "infonce", "jsd" or "dv". Defaults to "infonce".
        global_weight, local_weight, prior_weight: floats, not negative, one at least
            above 0. A prior takes an adversary, which trains on TensorFlow only.
            Default to 0, 1 and 0.1.
        seed: int, of views and noise. Defaults to 0.

    Raises:
        ValueError: for an unknown estimator or layer, a batch of one image, more than
            two views, or a number out of range.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.dim_cnn(16, width=8, dim=32)
        >>> model = tfssl.methods.DeepInfoMax(encoder, units=64, prior_weight=0)
        >>> model.compile("adam")
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)
        >>> conv = tfssl.encoders.cut(model.encoder, "conv")

    Source: Hjelm et al. 2018, arXiv 1808.06670; two views: Bachman et al. 2019,
    arXiv 1906.00910.
    """

    views_class = CropViews
    adversary_weight = "prior_weight"
    adversary_adam = {"learning_rate": 1e-4, "beta_1": 0.9}
    num_views = (1, 2)

    def __init__(
        self,
        encoder,
        views=None,
        local_layer=None,
        dim=64,
        units=2048,
        estimator="infonce",
        global_weight=0.0,
        local_weight=1.0,
        prior_weight=0.1,
        seed=0,
        name="dim",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        if estimator not in ESTIMATORS:
            raise ValueError(
                f"estimator must be one of {sorted(ESTIMATORS)}. Received: "
                f"{estimator!r}"
            )
        check_count(dim=dim, units=units)
        check_not_negative(
            global_weight=global_weight,
            local_weight=local_weight,
            prior_weight=prior_weight,
        )
        if not (global_weight or local_weight or prior_weight):
            raise ValueError(
                "One of global_weight, local_weight and prior_weight must be above 0. "
                "Received: 0 for all of them"
            )
        self.local_layer = local_layer or _local_layer(encoder)
        local = encoders.output_of(encoder, self.local_layer)
        if len(local.shape) != 4:
            raise ValueError(
                "local_layer must give a map [batch, h, w, channels]. Received: "
                f"{self.local_layer!r} with output shape {local.shape}"
            )
        self.trunk = keras.Model(encoder.input, [local, encoder.output])
        self.projector = keras.Sequential(
            [keras.Input((self.feature_dim,)), keras.layers.Dense(dim, name="y")],
            name="projector",
        )
        self.dim = dim
        self.units = units
        self.estimator = estimator
        self.global_weight = global_weight
        self.local_weight = local_weight
        self.prior_weight = prior_weight
        # To InfoNCE a shift of all places is no difference.
        center = estimator != "infonce"
        if local_weight:
            self.local_score = score_network(
                (None, None, local.shape[-1]), units, "local_score", center
            )
            self.score = score_network((dim,), units, "score")
            self.add_logs("local_loss")
        if global_weight:
            self.global_score = global_network(local.shape[1:], units, center)
            self.summary_score = score_network((dim,), units, "summary_score")
            self.add_logs("global_loss")
        if prior_weight:
            self.adversary = prior_discriminator(dim)
            self.add_logs("prior_loss", "adversary_loss")

    def views_loss(self, views):
        local, features = self.trunk(ops.concatenate(views), training=True)
        y = self.projector(layers.pooled(features), training=True)
        loss, logs = 0.0, {}
        if self.local_weight:
            maps = self.local_score(local, training=True)
            places = ops.reshape(
                maps, (-1, maps.shape[1] * maps.shape[2], maps.shape[3])
            )
            scores = self.score(y, training=True)
            logs["local_loss"] = self.estimate(places, scores, len(views))
            loss += self.local_weight * logs["local_loss"]
        if self.global_weight:
            whole = self.global_score(local, training=True)[:, None]
            scores = self.summary_score(y, training=True)
            logs["global_loss"] = self.estimate(whole, scores, len(views))
            loss += self.global_weight * logs["global_loss"]
        if self.prior_weight:
            logs["adversary_loss"] = self.train_adversary(
                lambda: self.adversary_loss(ops.stop_gradient(y))
            )
            fooled = self.adversary(ops.sigmoid(ops.cast(y, "float32")))
            logs["prior_loss"] = ops.mean(ops.softplus(-fooled))
            loss += self.prior_weight * logs["prior_loss"]
        return loss, logs

    def estimate(self, places, y, num_views=1):
        """The loss of the estimator for projected maps and features of the views."""
        # Of two views, the features are those of the other.
        terms = [
            self.estimate_pair(*pair)
            for pair in zip(
                ops.split(places, num_views),
                ops.split(y, num_views)[::-1],
                strict=True,
            )
        ]
        return sum(terms) / num_views

    def estimate_pair(self, places, y):
        everywhere = replicas.gather(ops.cast(places, "float32"))
        if everywhere.shape[0] == 1:
            raise ValueError(
                "Deep InfoMax tells an image from others. Received: a batch of 1"
            )
        scores = ops.einsum("mlu,nu->mln", everywhere, ops.cast(y, "float32"))
        own = replicas.places(ops.shape(y)[0])
        same = ops.transpose(
            ops.one_hot(own, ops.shape(everywhere)[0], dtype="float32")
        )
        return ESTIMATORS[self.estimator](scores, same)

    def adversary_loss(self, y):
        """The discriminator's: uniform noise is real, sigmoid(Y) is not."""
        fake = ops.sigmoid(ops.cast(y, "float32"))
        # Of all replicas, so that two draw what one draws for both.
        total = ops.shape(y)[0] * replicas.count()
        noise = RandomStream(self.key(shared=True)).uniform((total, self.dim))
        real = replicas.own(noise)
        real_score, real_slope = _score_and_slope(self.adversary, real)
        fake_score, fake_slope = _score_and_slope(self.adversary, fake)
        loss = ops.mean(ops.softplus(-real_score)) + ops.mean(ops.softplus(fake_score))
        return loss + 0.5 * (real_slope + fake_slope)


# Scores T [images m, places l, features n], and `same` [m, n], 1 where m is n.


def infonce_loss(scores, same):
    """Each place finds its image's features among those with places elsewhere.

    Args:
        scores: float32 `[images, places, batch]`, of each place with each features.
        same: float32 `[images, batch]`, 1 where both are of one image.

    Returns:
        float32 scalar. Other places of the same image are no negatives.
    """
    positives = ops.einsum("mln,mn->nl", scores, same)
    others = ops.where(same[:, None, :] > 0, _EXCLUDED, scores)
    negatives = ops.logsumexp(others, axis=(0, 1))[:, None]
    return ops.mean(ops.logaddexp(positives, negatives) - positives)


def jsd_loss(scores, same):
    """Jensen-Shannon: a classifier of pairs, 0 for scores of 0. As `infonce_loss`."""
    positives, negatives = _means(
        same,
        math.log(2.0) - ops.softplus(-scores),
        ops.softplus(scores) - math.log(2.0),
    )
    return negatives - positives


def dv_loss(scores, same):
    """Donsker-Varadhan: the mean score against the log-mean-exp of the others."""
    places = scores.shape[1]
    positives = ops.sum(scores * same[:, None, :]) / (ops.sum(same) * places)
    others = ops.where(same[:, None, :] > 0, _EXCLUDED, scores)
    # Of all replicas: the mean is inside the logarithm.
    total = ops.logsumexp(replicas.gather(ops.logsumexp(others)[None]))
    count = ops.sum(1.0 - same) * places * replicas.count()
    return total - ops.log(count) - positives


def _means(same, of_positives, of_negatives):
    places = of_positives.shape[1]
    same = same[:, None, :]
    positives = ops.sum(of_positives * same) / (ops.sum(same) * places)
    negatives = ops.sum(of_negatives * (1.0 - same)) / (ops.sum(1.0 - same) * places)
    return positives, negatives


ESTIMATORS = {"infonce": infonce_loss, "jsd": jsd_loss, "dv": dv_loss}


def score_network(input_shape, units, name, center=True):
    """One hidden layer and a shortcut over the last axis, in float32.

    LayerNorm(W_2 relu(norm(W_1 x)) + W_s x),    W_s nearly the identity
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
    """A second way from the local map to a vector."""
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
    """Tells sigmoid(Y) from uniform noise."""
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


def _local_layer(encoder):
    maps = [
        layer.name
        for layer in getattr(encoder, "layers", [])
        if len(getattr(layer.output, "shape", ())) == 4
        and not isinstance(layer, keras.layers.InputLayer)
    ]
    if not maps:
        raise ValueError(
            f"{encoder.name} has no layer that gives a map [batch, h, w, channels]. "
            f"Received: {type(encoder)}; Deep InfoMax needs a functional keras.Model."
        )
    return "local" if "local" in maps else maps[-1]


def _score_and_slope(discriminator, x):
    """Scores, and the mean square of their gradient in x."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = discriminator(x, training=True)
    return scores, ops.mean(ops.sum(ops.square(tape.gradient(scores, x)), axis=-1))

"""Deep InfoMax: tell from features which image they came from, position by position."""

import keras
from keras import ops

from tfssl import encoders, heads, layers, losses
from tfssl.checks import check_count, check_not_negative
from tfssl.methods.adversarial import AdversarialMethod
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import ViewsLike
from tfssl.views import SMALL_IMAGE, CropViews

ESTIMATORS = {
    "infonce": losses.infonce,
    "jsd": losses.jensen_shannon,
    "dv": losses.donsker_varadhan,
}


@keras.saving.register_keras_serializable("tfssl")
class DeepInfoMax(AdversarialMethod):
    """Positions of an image with its features, against those of other images.

        C = local map of the encoder            [batch, positions, channels]
        Y = projector(encoder(image))           [batch, dim]
        T(n, l; m) = local_score(C_n)_l . score(Y_m)
        loss = global_weight I_global + local_weight I_local + prior_weight prior

    Each term I estimates how well T tells the pairs of one image, n = m, from all
    others; images of all devices are the others. The prior is the loss of a
    discriminator that learns to tell sigmoid(Y) from uniform noise, and is fooled.
    `global_weight=0, local_weight=1, prior_weight=0.1` is DIM(L), the default;
    `global_weight=1, local_weight=0, prior_weight=1` is DIM(G).

    With two views of each image the positions are those of one view and Y is that of
    the other, both ways, so that what a crop changes is no longer shared.

    Args:
        encoder: functional `keras.Model`, images to features, such as
            `tfssl.encoders.dim_cnn`.
        views: `tfssl.views.Views` that makes one view or two. Defaults to one of crops
            and flips, `tfssl.views.CropViews`, at the encoder's image size.
        local_layer: string, the layer of the encoder whose output is the local map.
            Defaults to its part "local", which the networks of `tfssl.encoders` have.
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
    least_batch = 2

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        local_layer: str | None = None,
        dim: int = 64,
        units: int = 2048,
        estimator: str = "infonce",
        global_weight: float = 0.0,
        local_weight: float = 1.0,
        prior_weight: float = 0.1,
        seed: int = 0,
        name: str | None = "dim",
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
        self.local_layer = local_layer or encoders.part(encoder, "local").name
        local = encoders.output_of(encoder, self.local_layer)
        if len(local.shape) != 4:
            raise ValueError(
                "local_layer must give a map [batch, h, w, channels]. Received: "
                f"{self.local_layer!r} with output shape {local.shape}"
            )
        self.trunk = keras.Model(encoder.input, [local, encoder.output])
        self.projector = heads.projection_head(self.feature_dim, (dim,), norm=False)
        self.dim = dim
        self.units = units
        self.estimator = estimator
        self.global_weight = global_weight
        self.local_weight = local_weight
        self.prior_weight = prior_weight
        # To InfoNCE a shift of all positions is no difference.
        center = estimator != "infonce"
        if local_weight:
            self.local_score = heads.score_network(
                (None, None, local.shape[-1]), units, "local_score", center
            )
            self.score = heads.score_network((dim,), units, "score")
            self.add_logs("local_loss")
        if global_weight:
            self.global_score = heads.global_network(local.shape[1:], units, center)
            self.summary_score = heads.score_network((dim,), units, "summary_score")
            self.add_logs("global_loss")
        if prior_weight:
            self.adversary = heads.prior_discriminator(dim)
            self.add_logs("prior_loss", "adversary_loss")

    def views_loss(self, batch):
        local, features = self.trunk(ops.concatenate(batch.views), training=True)
        y = self.projector(layers.pooled(features), training=True)
        num_views = len(batch.views)
        loss, logs = 0.0, {}
        if self.local_weight:
            maps = self.local_score(local, training=True)
            positions = maps.shape[1] * maps.shape[2]
            each = ops.reshape(maps, (-1, positions, maps.shape[3]))
            scores = self.score(y, training=True)
            logs["local_loss"] = self.estimate(each, scores, num_views)
            loss += self.local_weight * logs["local_loss"]
        if self.global_weight:
            whole = self.global_score(local, training=True)[:, None]
            scores = self.summary_score(y, training=True)
            logs["global_loss"] = self.estimate(whole, scores, num_views)
            loss += self.global_weight * logs["global_loss"]
        if self.prior_weight:
            y = ops.sigmoid(ops.cast(y, "float32"))
            logs["adversary_loss"] = self.train_adversary(
                lambda: self.adversary_loss(ops.stop_gradient(y))
            )
            logs["prior_loss"] = ops.mean(ops.softplus(-self.adversary(y)))
            loss += self.prior_weight * logs["prior_loss"]
        return loss, logs

    def estimate(self, local, y, num_views=1):
        """The loss of the estimator for projected maps and features of the views."""
        estimator = ESTIMATORS[self.estimator]
        # Of two views, the features are those of the other.
        pairs = zip(
            ops.split(local, num_views), ops.split(y, num_views)[::-1], strict=True
        )
        return sum(estimator(*losses.pair_scores(*pair)) for pair in pairs) / num_views

    def adversary_loss(self, fake):
        """The discriminator's: uniform noise is real, sigmoid(Y) is not."""
        from tfssl.training.tensorflow import score_and_slope

        real = self.uniform((ops.shape(fake)[0], self.dim), "prior")
        real_score, real_slope = score_and_slope(self.adversary, real)
        fake_score, fake_slope = score_and_slope(self.adversary, fake)
        loss = ops.mean(ops.softplus(-real_score)) + ops.mean(ops.softplus(fake_score))
        return loss + 0.5 * (real_slope + fake_slope)


def _recipes(weights, measured=None):
    """The recipes with these weights of the terms."""
    measured = measured or {}
    return {
        "digits": digits(
            measured=measured.get("digits", ""),
            arguments={"units": 128, **weights},
            # Two views of a digit, not quite at the same position and size.
            views={"crop_scale": (0.7, 1.0), "degrees": 8.0, "brightness": 0.2},
            encoder_arguments={"dim": 256},
        ),
        "cifar": Recipe(
            measured=measured.get("cifar", ""),
            arguments={"units": 512, **weights},
            views={"crop_scale": (0.5, 1.0)},
            encoder="dim_cnn",
            learning_rate=5e-4,
            weight_decay=1e-4,
            batch_size=128,
            # Its fully connected layer grows with the image.
            fits=lambda image_size: image_size <= SMALL_IMAGE,
            elsewhere={"encoder": "resnet18"},
        ),
        "paper": Recipe(
            arguments=weights,
            views={"crop_scale": (1.0, 1.0), "flip": False},
            encoder="dim_cnn",
            epochs=1000,
            optimizer="adam",
            # 1e-4 for 64 images.
            learning_rate=2e-4,
            weight_decay=0.0,
            batch_size=64,
            milestones=(),
            fits=lambda image_size: image_size == 32,
            # The network of the paper is one for 32 pixels.
            elsewhere={"encoder": "resnet50"},
        ),
    }


RECIPES = {
    # DIM(L), and DIM(G) with a stronger prior.
    "dim": _recipes(
        {},
        {
            "digits": "43 s on 2 CPU cores; kNN .895 with 5 labels per class, .976 "
            "with all 1,297 [77fad41]",
            "cifar": "20 epochs on CIFAR-10; kNN .521, linear .617 [17aa7a5]",
        },
    ),
    "dim_global": _recipes(
        {"global_weight": 1.0, "local_weight": 0.0, "prior_weight": 1.0}
    ),
}

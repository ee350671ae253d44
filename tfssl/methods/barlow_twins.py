"""Barlow Twins: each number of an embedding agrees between views, and with no other."""

import keras

from tfssl import heads, losses
from tfssl.checks import check_not_negative
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import BYOLViews


@keras.saving.register_keras_serializable("tfssl")
class BarlowTwins(Method):
    """The correlation of two views over the batch, number by number, is the identity.

        z = projector(encoder(view))                            [batch, d]
        C = correlation of z_1 with z_2 over the batch          [d, d]
        loss = sum (C_ii - 1)^2 + off_diagonal_weight sum_{i != j} C_ij^2

    The diagonal makes the views agree. The rest lets no number repeat another, so that
    the features cannot collapse. Wide embeddings serve it well.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.BYOLViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(8192, 8192, 8192)`.
        off_diagonal_weight: float from 0, or schedule. Defaults to 0.0051.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a negative weight, a batch of one image, other than two views,
            or an empty projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.BarlowTwins(encoder, projector=(128, 128))
        >>> model.compile(tfssl.optimizers.LARS(0.2))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Zbontar et al. 2021, arXiv 2103.03230.
    """

    views_class = BYOLViews
    num_views = 2
    least_batch = 2
    # The mean of the diagonal, which goes to 1.
    log_names = ("correlation",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (8192, 8192, 8192),
        off_diagonal_weight: Number = 0.0051,
        seed: int = 0,
        name: str | None = "barlow_twins",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_not_negative(off_diagonal_weight=off_diagonal_weight)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_norm=False
        )
        self.off_diagonal_weight = off_diagonal_weight

    def views_loss(self, batch):
        z_1, z_2 = (self.embed(view) for view in batch.views)
        loss, correlation = losses.barlow_twins(
            z_1, z_2, self.now(self.off_diagonal_weight)
        )
        return loss, {"correlation": correlation}


RECIPES = {
    "barlow_twins": {
        "digits": digits(arguments={"projector": (256, 256)}),
        "cifar": Recipe(
            arguments={"projector": (2048, 2048, 2048)},
            views={"crop_scale": (0.2, 1.0)},
        ),
        "paper": Recipe(
            encoder="resnet50",
            epochs=1000,
            optimizer="lars",
            # Biases and normalisation take 0.0048 for the 0.2 of the others.
            optimizer_arguments={"rate_in_velocity": False, "plain_rate": 0.024},
            learning_rate=0.2,
            weight_decay=1e-6,
            batch_size=2048,
            warmup_epochs=10,
        ),
    }
}

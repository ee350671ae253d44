"""VICReg: views agree, each number varies, and no two numbers vary together."""

import keras
from keras import ops

from tfssl import heads, losses
from tfssl.checks import check_not_negative
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.simclr import SMALL
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import BYOLViews


@keras.saving.register_keras_serializable("tfssl")
class VICReg(Method):
    """Invariance, variance and covariance of the embeddings of two views.

        z = projector(encoder(view))                                [batch, d]
        invariance = mean (z_1 - z_2)^2
        variance = mean over both views of relu(1 - std z)          over the batch
        covariance = sum over both views of sum_{i != j} cov_ij^2 / d
        loss = 25 invariance + 25 variance + 1 covariance

    Each view has its variance and covariance by itself: nothing is normalised, and the
    two need not come from the same network.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.BYOLViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(8192, 8192, 8192)`.
        invariance_weight, variance_weight, covariance_weight: floats from 0, or
            schedules. Default to 25, 25 and 1.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a negative weight, a batch of one image, other than two views,
            or an empty projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.VICReg(encoder, projector=(128, 128))
        >>> model.compile(tfssl.optimizers.LARS(0.2))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Bardes et al. 2021, arXiv 2105.04906; the factors are those of its code.
    """

    views_class = BYOLViews
    num_views = 2
    least_batch = 2
    log_names = ("invariance", "variance", "covariance")

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (8192, 8192, 8192),
        invariance_weight: Number = 25.0,
        variance_weight: Number = 25.0,
        covariance_weight: Number = 1.0,
        seed: int = 0,
        name: str | None = "vicreg",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_not_negative(
            invariance_weight=invariance_weight,
            variance_weight=variance_weight,
            covariance_weight=covariance_weight,
        )
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_norm=False
        )
        self.invariance_weight = invariance_weight
        self.variance_weight = variance_weight
        self.covariance_weight = covariance_weight

    def views_loss(self, batch):
        z_1, z_2 = (ops.cast(self.embed(view), "float32") for view in batch.views)
        invariance = ops.mean(ops.square(z_1 - z_2))
        variance_1, covariance_1 = losses.variance_and_covariance(z_1)
        variance_2, covariance_2 = losses.variance_and_covariance(z_2)
        variance = (variance_1 + variance_2) / 2.0
        covariance = covariance_1 + covariance_2
        loss = (
            self.now(self.invariance_weight) * invariance
            + self.now(self.variance_weight) * variance
            + self.now(self.covariance_weight) * covariance
        )
        logs = {
            "invariance": invariance,
            "variance": variance,
            "covariance": covariance,
        }
        return loss, logs


RECIPES = {
    "vicreg": {
        "digits": digits(arguments={"projector": (256, 256)}),
        "cifar": Recipe(
            measured="--epochs=200 --batch_size=512 --warmup_epochs=10 on CIFAR-10, "
            "295 s on an H200; kNN .818, linear .848 [ac8c1f5]",
            arguments={"projector": (2048, 2048, 2048)},
            **SMALL,
        ),
        "paper": Recipe(
            encoder="resnet50",
            epochs=1000,
            optimizer="lars",
            optimizer_arguments={"rate_in_velocity": False},
            learning_rate=0.2,
            weight_decay=1e-6,
            batch_size=2048,
            warmup_epochs=10,
        ),
    }
}

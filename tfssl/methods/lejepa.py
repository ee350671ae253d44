"""LeJEPA: all views of an image alike, and embeddings like an isotropic Gaussian."""

import keras
from keras import ops

from tfssl import encoders, heads, losses
from tfssl.checks import check_count, check_fraction
from tfssl.methods.multi_crop import MultiCropMethod
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import LeJEPAViews


@keras.saving.register_keras_serializable("tfssl")
class LeJEPA(MultiCropMethod):
    """The embeddings of all views near their centre, and a Gaussian over the images.

        z_v = projector(encoder(view_v))                        [batch, d], as it is
        centre = mean of z over the global views
        invariance = mean (z_v - centre)^2
        regularization = mean over the views of SIGReg(z_v), see `tfssl.losses.sigreg`
        loss = (1 - weight) invariance + weight regularization

    There is no teacher, no predictor, no queue, and no gradient is stopped. Features
    cannot collapse: of all distributions the Gaussian is the goal.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views`; the first `num_global` views of an image are global.
            Defaults to `tfssl.views.LeJEPAViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(2048, 2048, 64)`.
        weight: float in [0, 1] or schedule, of the regularization. Defaults to 0.05.
        directions: int, along which the embeddings are compared with a Gaussian, other
            ones in each step. Defaults to 1024.
        num_global: int, views of which the centre is made. Defaults to 2.
        seed: int, of the views and directions. Defaults to 0.

    Raises:
        ValueError: for a weight outside [0, 1], fewer views than global ones, or an
            empty projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> views = tfssl.views.LeJEPAViews(16, num_local=2, local_size=8)
        >>> model = tfssl.methods.LeJEPA(encoder, views, projector=(64, 16))
        >>> model.compile("adamw")
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Balestriero and LeCun 2025, arXiv 2511.08544.
    """

    views_class = LeJEPAViews
    log_names = ("invariance", "regularization")

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (2048, 2048, 64),
        weight: Number = 0.05,
        directions: int = 1024,
        num_global: int = 2,
        seed: int = 0,
        name: str | None = "lejepa",
    ):
        check_count(directions=directions, num_global=num_global)
        check_fraction(weight=weight)
        self.num_global = num_global
        super().__init__(encoder, views, seed=seed, name=name)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_norm=False
        )
        self.weight = weight
        self.directions = directions

    def views_loss(self, batch):
        z = self.projector(self.view_features(batch.views), training=True)
        z = ops.split(ops.cast(z, "float32"), len(batch.views))
        centre = sum(z[: self.num_global]) / self.num_global
        invariance = sum(ops.mean(ops.square(each - centre)) for each in z) / len(z)
        directions = losses.random_directions(
            self.uniform((2, z[0].shape[-1], self.directions), "directions", True)
        )
        regularization = sum(self.regularize(each, directions) for each in z) / len(z)
        weight = self.now(self.weight)
        loss = (1.0 - weight) * invariance + weight * regularization
        return loss, {"invariance": invariance, "regularization": regularization}

    def regularize(self, z, directions):
        """How far embeddings `[batch, d]` are from a Gaussian: a scalar."""
        return losses.sigreg(z, directions)


# Large views alone: small images have no room for smaller ones.
_LARGE = {"num_global": 4, "num_local": 0}

RECIPES = {
    "lejepa": {
        "digits": digits(
            arguments={
                "projector": (256, 256, 16),
                "weight": 0.05,
                "directions": 256,
            },
        ),
        "cifar": Recipe(
            arguments={
                "projector": (2048, 2048, 64),
                "directions": 256,
                "num_global": 4,
            },
            views={"global_scale": (0.2, 1.0), **_LARGE},
        ),
        "paper": Recipe(
            encoder="vit_small",
            encoder_width=None,
            encoder_arguments={
                "mean": encoders.IMAGENET_MEAN,
                "std": encoders.IMAGENET_STD,
            },
            # 5e-4 for 512 images.
            learning_rate=3.5e-4,
            weight_decay=5e-2,
            batch_size=512,
            warmup_epochs=10,
        ),
    }
}

"""VISReg: all views of an image alike; centre, scale and shape of a Gaussian."""

import keras

from tfssl import encoders, losses
from tfssl.methods.lejepa import LeJEPA
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike


@keras.saving.register_keras_serializable("tfssl")
class VISReg(LeJEPA):
    """The embeddings of all views near their centre, and a Gaussian in three parts.

        invariance as of LeJEPA
        regularization = mean over the views of centre + scale + shape,
                         see `tfssl.losses.visreg`
        loss = (1 - weight) invariance + weight regularization

    The three parts keep their gradients where LeJEPA's has none: in a collapse, and in
    small batches. The batch is that of all devices.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views`; the first `num_global` views of an image are global.
            Defaults to `tfssl.views.LeJEPAViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(2048, 2048, 64)`.
        weight: float in [0, 1] or schedule, of the regularization. Defaults to 0.6, for
            small sets of images; the paper takes 0.9 for large ones.
        directions: int, along which the shape is compared, other ones in each step.
            Defaults to 256.
        num_global: int, views of which the centre is made. Defaults to 2.
        seed: int, of the views and directions. Defaults to 0.

    Raises:
        ValueError: for a weight outside [0, 1], fewer views than global ones, or an
            empty projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> views = tfssl.views.SimCLRViews(16)
        >>> model = tfssl.methods.VISReg(encoder, views, projector=(64, 16))
        >>> model.compile("adamw")
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Wu et al. 2026, arXiv 2606.02572.
    """

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (2048, 2048, 64),
        weight: Number = 0.6,
        directions: int = 256,
        num_global: int = 2,
        seed: int = 0,
        name: str | None = "visreg",
    ):
        super().__init__(
            encoder,
            views,
            projector=projector,
            weight=weight,
            directions=directions,
            num_global=num_global,
            seed=seed,
            name=name,
        )

    def regularize(self, z, directions):
        """How far embeddings `[batch, d]` are from a Gaussian: a scalar."""
        return losses.visreg(z, directions)


RECIPES = {
    "visreg": {
        "digits": digits(arguments={"projector": (256, 256, 16)}),
        "cifar": Recipe(
            arguments={"projector": (2048, 2048, 64), "num_global": 4},
            views={"global_scale": (0.2, 1.0), "num_global": 4, "num_local": 0},
        ),
        "paper": Recipe(
            arguments={"weight": 0.9},
            encoder="vit_small",
            encoder_width=None,
            encoder_arguments={
                "mean": encoders.IMAGENET_MEAN,
                "std": encoders.IMAGENET_STD,
            },
            # 1e-3 for 512 images.
            learning_rate=7e-4,
            weight_decay=5e-2,
            batch_size=512,
            warmup_epochs=10,
        ),
    }
}

"""SimSiam: predict the other view's embedding, and let no gradient through it."""

import keras

from tfssl import heads, losses
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, ViewsLike
from tfssl.views import MoCoViews


@keras.saving.register_keras_serializable("tfssl")
class SimSiam(Method):
    """A prediction from one view with the embedding of the other; no teacher.

        z = projector(encoder(view)),  p = predictor(z)
        loss = -1/2 cos(p_1, z_2) - 1/2 cos(p_2, z_1)           no gradient through z

    Without the stopped gradient all images would get the same embedding. The paper's
    predictor keeps its learning rate while the others' falls:
    `tfssl.optimizers.SGD(schedule, constant="predictor")`.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.MoCoViews` at the encoder's image size, as in the paper.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(2048, 2048, 2048)`.
        predictor: `keras.Model` `[batch, d]` to `[batch, d]`, or the widths of its
            layers. Defaults to a bottleneck, `(d / 4, d)`.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for other than two views, an empty head, or a predictor that gives
            another width than the projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.SimSiam(encoder, projector=(64, 64))
        >>> model.compile(tfssl.optimizers.SGD(0.05, constant="predictor"))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Chen and He 2020, arXiv 2011.10566.
    """

    views_class = MoCoViews
    num_views = 2

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (2048, 2048, 2048),
        predictor: HeadLike | None = None,
        seed: int = 0,
        name: str | None = "simsiam",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_scale=False
        )
        narrow = max(self.projector.output_shape[-1] // 4, 1)
        self.predictor = heads.as_predictor(
            predictor, self.projector, (narrow,), final_bias=True
        )

    def views_loss(self, batch):
        z_1, z_2 = (self.embed(view) for view in batch.views)
        p_1, p_2 = (self.predictor(z, training=True) for z in (z_1, z_2))
        distances = losses.cosine_distance(p_1, z_2) + losses.cosine_distance(p_2, z_1)
        # A distance is 2 - 2 cos.
        return distances / 4.0 - 1.0, {}


# At the paper's rate; the predictor's stays as it is.
_SGD = {
    "optimizer": "sgd",
    "optimizer_arguments": {"constant": "predictor"},
}

RECIPES = {
    "simsiam": {
        "digits": digits(
            arguments={"projector": (256, 256), "predictor": (64, 256)},
        ),
        # The paper's SGD, rate .03 for 800 epochs, has hardly begun after a few.
        "cifar": Recipe(
            arguments={"projector": (2048, 2048), "predictor": (512, 2048)},
        ),
        "paper": Recipe(
            encoder="resnet50",
            learning_rate=0.05,
            weight_decay=1e-4,
            batch_size=512,
            warmup_epochs=0,
            **_SGD,
        ),
    }
}

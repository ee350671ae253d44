"""BYOL: predict what a slower copy of the network makes of the other view."""

import keras

from tfssl import heads, layers, losses
from tfssl.checks import check_fraction
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.optimizers import Cosine
from tfssl.views import BYOLViews


@keras.saving.register_keras_serializable("tfssl")
class BYOL(Method):
    """A prediction from one view with the teacher's embedding of the other; no others.

        z = projector(encoder(view)),  q = predictor(z)
        z' = teacher(view)                                      no gradient
        loss = |norm(q_1) - norm(z'_2)|^2 + |norm(q_2) - norm(z'_1)|^2
        teacher <- momentum teacher + (1 - momentum) (encoder, projector)

    Nothing pushes images apart. That the features do not collapse is the work of the
    predictor and of the teacher, which moves after the optimizer.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.BYOLViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(4096, 256)`.
        predictor: `keras.Model` `[batch, d]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(4096, d)`.
        momentum: float in [0, 1] or schedule, of the teacher. Defaults to
            `tfssl.optimizers.Cosine(0.996, 1.0)`.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a momentum outside [0, 1], other than two views, an empty head,
            or a predictor that gives another width than the projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.BYOL(encoder, projector=(64, 16), predictor=(64, 16))
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Grill et al. 2020, arXiv 2006.07733.
    """

    views_class = BYOLViews
    num_views = 2

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (4096, 256),
        predictor: HeadLike | None = None,
        momentum: Number = Cosine(0.996, 1.0),  # noqa: B008, it has no state
        seed: int = 0,
        name: str | None = "byol",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_fraction(momentum=momentum)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_norm=False
        )
        self.predictor = heads.as_predictor(predictor, self.projector, (4096,))
        self.teacher = layers.Teacher(self.encoder, self.projector)
        self.momentum = momentum

    def views_loss(self, batch):
        q_1, q_2 = (self.predict_embedding(view) for view in batch.views)
        z_1, z_2 = (self.teacher(view) for view in batch.views)
        loss = losses.cosine_distance(q_1, z_2) + losses.cosine_distance(q_2, z_1)
        return loss, {}

    def predict_embedding(self, view):
        """What the other view's embedding should be: `[batch, d]`."""
        return self.predictor(self.embed(view), training=True)

    def after_update(self):
        self.teacher.update(self.now(self.momentum))


RECIPES = {
    "byol": {
        "digits": digits(
            arguments={
                "projector": (256, 64),
                "predictor": (256, 64),
                "momentum": Cosine(0.97, 1.0),
            },
        ),
        "cifar": Recipe(
            arguments={
                "projector": (2048, 128),
                "predictor": (2048, 128),
                "momentum": Cosine(0.98, 1.0),
            },
            views={"crop_scale": (0.2, 1.0)},
        ),
        "paper": Recipe(
            encoder="resnet50",
            epochs=1000,
            optimizer="lars",
            optimizer_arguments={"rate_in_velocity": False},
            learning_rate=0.2,
            weight_decay=1.5e-6,
            batch_size=4096,
            warmup_epochs=10,
        ),
    }
}

"""MoCo v3: contrast within a large batch, with keys of a slower copy of the network."""

import keras
from keras import ops

from tfssl import heads, layers, losses
from tfssl.checks import check_fraction, check_positive
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.optimizers import Cosine
from tfssl.views import BYOLViews


@keras.saving.register_keras_serializable("tfssl")
class MoCoV3(Method):
    """A prediction from one view with the key of the other, against the batch's keys.

        q = normalize(predictor(projector(encoder(view))))
        teacher <- momentum teacher + (1 - momentum) (encoder, projector)
        k = normalize(teacher(view))                                no gradient
        loss = 2 temperature (contrast(q_1, k_2) + contrast(q_2, k_1))
        contrast(q, k) = -log softmax(q.k / temperature)[own image]

    There is no queue: the keys of the batch are enough if it is large.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.BYOLViews` at the encoder's image size, as in the paper.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(4096, 256)`, for a ResNet; the paper's vision
            transformers have `(4096, 4096, 256)`.
        predictor: `keras.Model` `[batch, d]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(4096, d)`.
        predictor_norm: bool, whether the prediction is normalised by its batch, as with
            the paper's vision transformers. Defaults to False.
        temperature: float above 0, or schedule. Defaults to 1; the paper takes 0.2 for
            vision transformers.
        momentum: float in [0, 1] or schedule, of the teacher. Defaults to
            `tfssl.optimizers.Cosine(0.99, 1.0)`.
        freeze_patches: bool, whether the layer `patch_embedding` of a vision
            transformer keeps its first, random weights, which keeps training stable.
            Defaults to True.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a number out of range, other than two views, an empty head, or
            a predictor that gives another width than the projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.MoCoV3(encoder, projector=(64, 16))
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Chen, Xie and He 2021, arXiv 2104.02057.
    """

    views_class = BYOLViews
    num_views = 2
    log_names = ("contrastive_accuracy",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (4096, 256),
        predictor: HeadLike | None = None,
        predictor_norm: bool = False,
        temperature: Number = 1.0,
        momentum: Number = Cosine(0.99, 1.0),  # noqa: B008, it has no state
        freeze_patches: bool = True,
        seed: int = 0,
        name: str | None = "moco_v3",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_positive(temperature=temperature)
        check_fraction(momentum=momentum)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_scale=False
        )
        self.predictor = heads.as_predictor(
            predictor,
            self.projector,
            (4096,),
            final_norm=predictor_norm,
            final_scale=False,
        )
        self.teacher = layers.Teacher(self.encoder, self.projector)
        self.predictor_norm = predictor_norm
        self.temperature = temperature
        self.momentum = momentum
        self.freeze_patches = freeze_patches

    def held_variables(self):
        # Held, and not frozen: the layer is the caller's, who may train it elsewhere.
        patches = [x for x in self.encoder.layers if x.name == "patch_embedding"]
        weights = [w for layer in patches for w in layer.trainable_variables]
        return weights, self.freeze_patches

    def views_loss(self, batch):
        queries = [self.predictor(self.embed(v), training=True) for v in batch.views]
        self.teacher.update(self.now(self.momentum))
        keys = [self.teacher(view) for view in batch.views]

        temperature = self.now(self.temperature)
        loss = accuracy = 0.0
        for query, key in zip(queries, reversed(keys), strict=True):
            logits, own = losses.batch_logits(
                losses.l2_normalize(query),
                ops.stop_gradient(losses.l2_normalize(key)),
                temperature,
            )
            loss += 2.0 * temperature * losses.cross_entropy(logits, own)
            accuracy += losses.accuracy(logits, own) / 2.0
        return loss, {"contrastive_accuracy": accuracy}


RECIPES = {
    "moco_v3": {
        "digits": digits(
            arguments={
                "projector": (256, 64),
                "predictor": (256, 64),
                "temperature": 0.2,
                "momentum": Cosine(0.97, 1.0),
            },
        ),
        "cifar": Recipe(
            arguments={
                "projector": (2048, 256),
                "predictor": (2048, 256),
                "temperature": 0.2,
                "momentum": Cosine(0.98, 1.0),
            },
            views={"crop_scale": (0.2, 1.0)},
        ),
        # The paper's for ResNet-50.
        "paper": Recipe(
            views={"crop_scale": (0.2, 1.0)},
            encoder="resnet50",
            epochs=300,
            optimizer="lars",
            optimizer_arguments={"rate_in_velocity": False},
            learning_rate=0.3,
            weight_decay=1e-6,
            batch_size=4096,
            warmup_epochs=10,
        ),
    }
}

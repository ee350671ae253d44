"""NNCLR: agree with the nearest neighbour of the other view."""

import keras

from tfssl import heads, layers, losses
from tfssl.checks import check_count, check_positive
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import SimCLRViews


@keras.saving.register_keras_serializable("tfssl")
class NNCLR(Method):
    """The neighbour of a view in a queue with the other view, against other images.

        e = projector(encoder(view)),  z = normalize(e)
        p = normalize(predictor(e))
        n = the row of the queue that is most similar to z          no gradient
        loss = -1/2 log softmax(n_1.p_2 / temperature) - 1/2 log softmax(n_2.p_1 / ...)
        queue <- z_1, in place of the oldest

    Each neighbour picks the prediction of its image among those of the batch. It is
    another image that looks alike, so that views differ by more than a transform.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.SimCLRViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(2048, 2048, 256)`.
        predictor: `keras.Model` `[batch, d]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(4096, d)`.
        queue_size: int, embeddings to look for a neighbour in; less than there are
            images, or most of them are random for long. Defaults to 98304.
        temperature: float above 0, or schedule. Defaults to 0.1.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a queue smaller than a batch, other than two views, an empty
            head, or a temperature that is not above 0.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> heads = {"projector": (64, 16), "predictor": (64, 16)}
        >>> model = tfssl.methods.NNCLR(encoder, queue_size=64, **heads)
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Dwibedi et al. 2021, arXiv 2104.14548.
    """

    views_class = SimCLRViews
    num_views = 2
    log_names = ("contrastive_accuracy",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (2048, 2048, 256),
        predictor: HeadLike | None = None,
        queue_size: int = 98304,
        temperature: Number = 0.1,
        seed: int = 0,
        name: str | None = "nnclr",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_count(queue_size=queue_size)
        check_positive(temperature=temperature)
        self.projector = heads.as_projection_head(projector, self.feature_dim)
        self.predictor = heads.as_predictor(predictor, self.projector, (4096,))
        self.queue = layers.Queue(queue_size, self.projector.output_shape[-1], seed)
        self.queue_size = queue_size
        self.temperature = temperature

    def check_batch(self, size):
        super().check_batch(size)
        self.queue.check(size)

    def views_loss(self, batch):
        embeddings = [self.embed(view) for view in batch.views]
        z_1, z_2 = (losses.l2_normalize(z) for z in embeddings)
        p_1, p_2 = (
            losses.l2_normalize(self.predictor(z, training=True)) for z in embeddings
        )
        temperature = self.now(self.temperature)
        loss = accuracy = 0.0
        for z, p in ((z_1, p_2), (z_2, p_1)):
            neighbours = self.queue.nearest(z)
            logits, own = losses.batch_logits(neighbours, p, temperature)
            loss += losses.cross_entropy(logits, own) / 2.0
            accuracy += losses.accuracy(logits, own) / 2.0
        self.queue.push(z_1)
        return loss, {"contrastive_accuracy": accuracy}


RECIPES = {
    "nnclr": {
        "digits": digits(
            arguments={
                "projector": (256, 64),
                "predictor": (256, 64),
                "queue_size": 512,
                "temperature": 0.2,
            },
        ),
        "cifar": Recipe(
            arguments={
                "projector": (2048, 2048, 256),
                "predictor": (2048, 256),
                "queue_size": 16384,
                "temperature": 0.2,
            },
            views={"crop_scale": (0.2, 1.0)},
        ),
        "paper": Recipe(
            encoder="resnet50",
            epochs=1000,
            optimizer="lars",
            learning_rate=0.3,
            weight_decay=1e-6,
            batch_size=4096,
            warmup_epochs=10,
        ),
    }
}

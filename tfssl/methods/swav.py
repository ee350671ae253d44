"""SwAV: predict the cluster of one view from the others."""

import keras
from keras import ops

from tfssl import heads, layers, losses
from tfssl.checks import check_count, check_moment, check_positive
from tfssl.methods.multi_crop import MultiCropMethod
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import MultiCropViews


@keras.saving.register_keras_serializable("tfssl")
class SwAV(MultiCropMethod):
    """The cluster that another view is assigned to; all clusters are used equally.

        z = normalize(projector(encoder(view))),  scores = z . prototypes
        code_a = sinkhorn(scores of global view a)              no gradient
        loss = mean over a, and v other than a, of
               -code_a . log softmax(scores of view v / temperature)

    The prototypes have length 1 and do not move at first. With small batches the codes
    are shared out over a queue of past embeddings too, one for each global view; unlike
    the authors' it is that of all devices.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views`: two global views, then any number of local ones.
            Defaults to `tfssl.views.MultiCropViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to `(2048, 128)`.
        prototypes: int, number of clusters. Defaults to 3000.
        temperature: float above 0, or schedule. Defaults to 0.1.
        epsilon: float above 0, or schedule, how soft the codes are. Defaults to 0.05.
        iterations: int, of Sinkhorn's algorithm. Defaults to 3.
        freeze_prototypes: int, steps, or float in [0, 1], fraction of the run, for
            which the prototypes stay as they are. Defaults to 313, an epoch of ImageNet
            in batches of 4096.
        queue_size: int, past embeddings of a global view; 0 for none. Defaults to 0.
        queue_start: int, steps, or float in [0, 1], fraction of the run, after which
            the queue is used once it is full. Defaults to 0.075, 15 epochs of 200.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a number out of range, fewer than two views, or a batch of more
            rows than the queue.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> views = tfssl.views.MultiCropViews(16, local_size=8, num_local=2)
        >>> model = tfssl.methods.SwAV(encoder, views, (64, 16), prototypes=32)
        >>> model.compile(tfssl.optimizers.SGD(0.1))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Caron et al. 2020, arXiv 2006.09882.
    """

    views_class = MultiCropViews
    log_names = ("used_prototypes",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike = (2048, 128),
        prototypes: int = 3000,
        temperature: Number = 0.1,
        epsilon: Number = 0.05,
        iterations: int = 3,
        freeze_prototypes: int | float = 313,
        queue_size: int = 0,
        queue_start: int | float = 0.075,
        seed: int = 0,
        name: str | None = "swav",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_count(prototypes=prototypes, iterations=iterations)
        check_count(0, queue_size=queue_size)
        check_positive(temperature=temperature, epsilon=epsilon)
        check_moment(freeze_prototypes=freeze_prototypes, queue_start=queue_start)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, final_norm=False
        )
        dim = self.projector.output_shape[-1]
        self.clusters = heads.prototype_layer(dim, prototypes)
        self.queues = [
            layers.Queue(queue_size, dim, empty=True, name=f"queue_{number}")
            for number in range(self.num_global if queue_size else 0)
        ]
        self.moments = ("freeze_prototypes", "queue_start")[: 2 if queue_size else 1]
        self.prototypes = prototypes
        self.temperature = temperature
        self.epsilon = epsilon
        self.iterations = iterations
        self.freeze_prototypes = freeze_prototypes
        self.queue_size = queue_size
        self.queue_start = queue_start

    def check_batch(self, size):
        super().check_batch(size)
        for queue in self.queues:
            queue.check(size)

    def views_loss(self, batch):
        features = self.view_features(batch.views)
        z = losses.l2_normalize(self.projector(features, training=True))
        of_views = ops.split(z, len(batch.views))
        scores = [self.clusters(z) for z in of_views]
        codes = [self.code(number, scores[number]) for number in range(self.num_global)]
        logits = [each / self.now(self.temperature) for each in scores]
        for queue, z in zip(self.queues, of_views, strict=False):
            queue.push(z)
        return losses.swapped_prediction(codes, logits), {
            "used_prototypes": losses.perplexity(ops.softmax(logits[0]))
        }

    def code(self, number, scores):
        """Assignments `[batch, prototypes]` of a global view, by its number."""
        past, used = None, False
        if self.queues:
            queue = self.queues[number]
            past = self.clusters(ops.convert_to_tensor(queue.rows))
            used = ops.logical_and(
                queue.full, ops.logical_not(self.before(self.queue_start))
            )
        return losses.sinkhorn(
            scores, self.now(self.epsilon), self.iterations, past, used
        )

    def held_variables(self):
        return self.clusters.trainable_variables, self.before(self.freeze_prototypes)


RECIPES = {
    "swav": {
        "digits": digits(
            arguments={
                "projector": (256, 64),
                "prototypes": 64,
                "freeze_prototypes": 0.05,
            },
        ),
        "cifar": Recipe(
            arguments={
                "prototypes": 512,
                "freeze_prototypes": 0.01,
                "queue_size": 3840,
                "queue_start": 0.05,
            },
            views={"num_local": 0, "global_scale": (0.2, 1.0)},
        ),
        "paper": Recipe(
            encoder="resnet50",
            encoder_arguments={"zero_init_residual": False},
            epochs=800,
            optimizer="lars",
            optimizer_arguments={"rate_in_velocity": False, "adapt_all": True},
            learning_rate=0.3,
            weight_decay=1e-6,
            batch_size=4096,
            warmup_epochs=10,
        ),
    }
}

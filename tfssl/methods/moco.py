"""MoCo: find the key of the same image among the keys of a long queue."""

import keras
from keras import ops

from tfssl import heads, layers, losses
from tfssl.checks import check_count, check_fraction, check_positive
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import MoCoViews


@keras.saving.register_keras_serializable("tfssl")
class MoCo(Method):
    """A view with the key of the other, against the keys of past batches in a queue.

        q = normalize(projector(encoder(view_1)))
        teacher <- momentum teacher + (1 - momentum) (encoder, projector)
        k = normalize(teacher(view_2))                          no gradient
        loss = -log softmax([q.k, q.queue] / temperature)[0]
        queue <- k, in place of the oldest

    The key batch is shuffled over all devices before its batch normalisation, and put
    back in order after it, so that no query shares its statistics with its key. On one
    device that takes an encoder whose normalisation is split into groups:
    `tfssl.encoders.resnet18(norm="split")`.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.MoCoViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers, which have no normalisation. Defaults to `(dim, 128)`, as in MoCo
            v2; `(128,)` is that of v1.
        queue_size: int, keys to contrast with. Defaults to 65536.
        temperature: float above 0, or schedule. Defaults to 0.2 (v1: 0.07).
        momentum: float in [0, 1] or schedule, of the key networks. Defaults to 0.999.
        symmetric: bool, whether each view is query once and key once; the losses of
            both add up. Defaults to False.
        seed: int, of the views and the shuffle. Defaults to 0.

    Raises:
        ValueError: for a queue smaller than a batch, a batch that the groups of the
            normalisation do not divide, other than two views, or a number out of range.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4, norm="split")
        >>> model = tfssl.methods.MoCo(encoder, queue_size=64, momentum=0.99)
        >>> model.compile(tfssl.optimizers.SGD(0.03))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=16, epochs=1, verbose=0)
        >>> int(keras.ops.convert_to_numpy(model.queue.pointer))
        16

    Source: He et al. 2019, arXiv 1911.05722; Chen et al. 2020, arXiv 2003.04297.
    """

    views_class = MoCoViews
    num_views = 2
    log_names = ("contrastive_accuracy",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike | None = None,
        queue_size: int = 65536,
        temperature: Number = 0.2,
        momentum: Number = 0.999,
        symmetric: bool = False,
        seed: int = 0,
        name: str | None = "moco",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_count(queue_size=queue_size)
        check_positive(temperature=temperature)
        check_fraction(momentum=momentum)
        if projector is None:
            projector = (self.feature_dim, 128)
        self.projector = heads.as_projection_head(
            projector, self.feature_dim, norm=False
        )
        self.teacher = layers.Teacher(self.encoder, self.projector)
        self.queue = layers.Queue(queue_size, self.projector.output_shape[-1], seed)
        self.queue_size = queue_size
        self.temperature = temperature
        self.momentum = momentum
        self.symmetric = symmetric

    def check_batch(self, size):
        super().check_batch(size)
        self.queue.check(size)

    def views_loss(self, batch):
        pairs = [batch.views, batch.views[::-1]] if self.symmetric else [batch.views]
        queries = [self.embed(query) for query, _ in pairs]
        self.teacher.update(self.now(self.momentum))
        keys = [self.keys(key, number) for number, (_, key) in enumerate(pairs)]

        loss = accuracy = 0.0
        temperature = self.now(self.temperature)
        for query, key in zip(queries, keys, strict=True):
            logits = losses.queue_logits(query, key, self.queue.rows, temperature)
            first = ops.zeros((ops.shape(logits)[0],), dtype="int32")
            loss += losses.cross_entropy(logits, first)
            accuracy += losses.accuracy(logits, first) / len(pairs)
        for key in keys:
            self.queue.push(losses.l2_normalize(key))
        return loss, {"contrastive_accuracy": accuracy}

    def keys(self, images, number=0):
        """Keys of images, normalised in a shuffled batch; no gradient."""
        numbers = self.uniform((ops.shape(images)[0],), f"shuffle_{number}")
        return layers.shuffled(self.teacher, images, numbers)


# Normalised in groups, so that no query shares its statistics with its key.
_SPLIT = {"norm": "split"}
_RESNET = {"norm": "split", "zero_init_residual": False}

# The authors' settings for ImageNet, and near those of their CIFAR demonstration.
_PAPER = {
    "encoder": "resnet50",
    "encoder_arguments": _RESNET,
    "optimizer": "sgd",
    "learning_rate": 0.03,
    "weight_decay": 1e-4,
    "warmup_epochs": 0,
    "epochs": 200,
}
_SMALL = {
    "encoder_arguments": _RESNET,
    "optimizer": "sgd",
    "learning_rate": 0.06,
    "weight_decay": 5e-4,
}

# The queue of a small data set is short, so its keys must not lag behind for long.
_SHORT_QUEUE = {"temperature": 0.1, "momentum": 0.99}

RECIPES = {
    "moco_v1": {
        "digits": digits(
            measured="37 s on 2 CPU cores; kNN .918 with 5 labels per class, .996 with "
            "all 1,297 [77fad41]",
            arguments={"projector": (64,), "queue_size": 1024, **_SHORT_QUEUE},
            encoder_arguments=_SPLIT,
        ),
        "cifar": Recipe(
            measured="--encoder_width=16, 4 epochs on CIFAR-10; "
            "kNN .505, linear .507 [80a8044]",
            arguments={"projector": (128,), "queue_size": 4096, **_SHORT_QUEUE},
            views={"version": 2},
            **_SMALL,
        ),
        "paper": Recipe(
            arguments={"projector": (128,), "temperature": 0.07},
            views={"version": 1},
            milestones=(120 / 200, 160 / 200),
            **_PAPER,
        ),
    },
    "moco_v2": {
        "digits": digits(
            measured="38 s on 2 CPU cores; kNN .913 with 5 labels per class, .990 with "
            "all 1,297 [77fad41]",
            arguments={"projector": (128, 64), "queue_size": 1024, **_SHORT_QUEUE},
            encoder_arguments=_SPLIT,
        ),
        "cifar": Recipe(
            measured="--encoder_width=16, 8 epochs on CIFAR-10; "
            "kNN .512, linear .530 [80a8044]",
            arguments={"projector": (2048, 128), "queue_size": 4096, **_SHORT_QUEUE},
            **_SMALL,
        ),
        "paper": Recipe(arguments={"temperature": 0.2}, **_PAPER),
    },
}

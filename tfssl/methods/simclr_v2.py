"""SimCLR v2: a deeper head, to be fine-tuned from its middle, and a memory."""

import keras
from keras import ops

from tfssl import layers, losses
from tfssl.checks import check_count, check_fraction
from tfssl.encoders import as_encoder
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.simclr import SMALL, SimCLR
from tfssl.methods.types import HeadLike, Number, ViewsLike


@keras.saving.register_keras_serializable("tfssl")
class SimCLRv2(SimCLR):
    """As SimCLR, with a deeper head that is fine-tuned from its middle, and a memory.

        z = projector(encoder(view))
        loss = nt_xent(z_1, z_2)                        without a queue
        loss = mean of -log softmax([z_1.k_2, z_1.queue] / temperature)[0]
               and of -log softmax([z_2.k_1, z_2.queue] / temperature)[0]

    With a queue, the keys k are of networks that are the exponential moving average of
    encoder and projector, and the queue holds past keys, as in MoCo.

    After pretraining, classifiers start from the middle of the head:
    `tfssl.transfer.with_head(model.encoder, model.projector, layer=1)`, and a large
    classifier teaches a small one with `tfssl.transfer.Distillation`.

    Args:
        encoder: `keras.Model`, images to features; wide and deep ones gain the most,
            such as `tfssl.encoders.sk_resnet50`.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.SimCLRViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to three layers, `(dim, dim, 128)`.
        temperature: float, above 0. Defaults to 0.1.
        queue_size: int, keys in the memory; 0 for none. Defaults to 0 (paper: 65536).
        momentum: float in [0, 1] or schedule, of the key networks. Defaults to 0.999.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: as `SimCLR`, and for a negative queue size or one smaller than a
            batch, or a momentum outside [0, 1].

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.SimCLRv2(encoder, queue_size=64)
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=16, epochs=1, verbose=0)
        >>> start = tfssl.transfer.with_head(model.encoder, model.projector, layer=1)

    Source: Chen et al. 2020, arXiv 2006.10029.
    """

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike | None = None,
        temperature: Number = 0.1,
        queue_size: int = 0,
        momentum: Number = 0.999,
        seed: int = 0,
        name: str | None = "simclr_v2",
    ):
        if projector is None:
            dim = as_encoder(encoder).output_shape[-1]
            projector = (dim, dim, 128)
        super().__init__(encoder, views, projector, temperature, seed=seed, name=name)
        check_count(0, queue_size=queue_size)
        check_fraction(momentum=momentum)
        self.queue_size = queue_size
        self.momentum = momentum
        if queue_size:
            self.teacher = layers.Teacher(self.encoder, self.projector)
            dim = self.projector.output_shape[-1]
            self.queue = layers.Queue(queue_size, dim, seed)

    def check_batch(self, size):
        super().check_batch(size)
        if self.queue_size:
            self.queue.check(size)

    def views_loss(self, batch):
        if not self.queue_size:
            return super().views_loss(batch)
        both = ops.concatenate(batch.views)
        z = self.embed(both)
        self.teacher.update(self.now(self.momentum))
        k_1, k_2 = ops.split(losses.l2_normalize(self.teacher(both)), 2)

        others = ops.concatenate([k_2, k_1])
        temperature = self.now(self.temperature)
        logits = losses.queue_logits(z, others, self.queue.rows, temperature)
        first = ops.zeros((ops.shape(logits)[0],), dtype="int32")
        self.queue.push(k_1)
        self.queue.push(k_2)
        return losses.cross_entropy(logits, first), {
            "contrastive_accuracy": losses.accuracy(logits, first)
        }


RECIPES = {
    "simclr_v2": {
        "digits": digits(
            measured="41 s on 2 CPU cores; kNN .907 with 5 labels per class, .984 with "
            "all 1,297 [77fad41]",
            arguments={"temperature": 0.2, "projector": (128, 128, 64)},
        ),
        "cifar": Recipe(
            measured="--encoder_width=16, 4 epochs on CIFAR-10 at a rate of 2 and a "
            "trust coefficient of .001; kNN .521, linear .564 [80a8044]",
            arguments={"temperature": 0.2, "projector": (2048, 2048, 128)},
            **SMALL,
        ),
        "photos": Recipe(
            arguments={"temperature": 0.2, "projector": (2048, 2048, 128)}, **SMALL
        ),
        "paper": Recipe(
            arguments={"temperature": 0.1},
            encoder="sk_resnet50",
            epochs=800,
            optimizer="lars",
            # .1 for one image: 6.4 for 4,096.
            learning_rate=1.6,
            rate_scaling="sqrt",
            weight_decay=1e-4,
            batch_size=4096,
            warmup_fraction=0.05,
        ),
    }
}

"""SimCLR v2: a deeper head, to be fine-tuned from its middle, and a memory."""

import keras
from keras import ops

from tfssl import encoders, layers, losses
from tfssl.checks import check_count, check_share
from tfssl.methods.simclr import SimCLR


@keras.saving.register_keras_serializable("tfssl")
class SimCLRv2(SimCLR):
    """SimCLR with a three-layer projector and, if wanted, a memory.

        z = projector(encoder(view))
        loss = nt_xent(z_1, z_2)                        without memory
        loss = mean of -log softmax([z_1.k_2, z_1.queue] / temperature)[0]
               and of -log softmax([z_2.k_1, z_2.queue] / temperature)[0]

    With a memory, the keys k are of networks that follow encoder and projector slowly,
    and the queue holds past keys, as in MoCo.

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
        memory: int, keys in the memory; 0 for none. Defaults to 0 (paper: 65536).
        momentum: float in [0, 1], of the key networks. Defaults to 0.999.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: as `SimCLR`, and for a negative memory or one smaller than a batch,
            or a momentum outside [0, 1].

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> model = tfssl.methods.SimCLRv2(encoder, memory=64)
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=16, epochs=1, verbose=0)
        >>> start = tfssl.transfer.with_head(model.encoder, model.projector, layer=1)

    Source: Chen et al. 2020, arXiv 2006.10029.
    """

    def __init__(
        self,
        encoder,
        views=None,
        projector=None,
        temperature=0.1,
        memory=0,
        momentum=0.999,
        seed=0,
        name="simclr_v2",
    ):
        encoder = encoders.as_encoder(encoder)
        if projector is None:
            dim = encoder.output_shape[-1]
            projector = (dim, dim, 128)
        super().__init__(encoder, views, projector, temperature, seed=seed, name=name)
        check_count(0, memory=memory)
        check_share(momentum=momentum)
        self.memory = memory
        self.momentum = momentum
        if memory:
            self.key_encoder = layers.momentum_copy(self.encoder, "key_encoder")
            self.key_projector = layers.momentum_copy(self.projector, "key_projector")
            self.queue = layers.Queue(memory, self.projector.output_shape[-1], seed)

    def check_batch(self, size):
        super().check_batch(size)
        if self.memory:
            self.queue.check(size)

    def views_loss(self, views):
        if not self.memory:
            return super().views_loss(views)
        both = ops.concatenate(views)
        z = self.projector(self.features(both, training=True), training=True)
        layers.follow(self.key_encoder, self.encoder, self.momentum)
        layers.follow(self.key_projector, self.projector, self.momentum)
        keys = self.key_projector(
            layers.pooled(self.key_encoder(both, training=True)), training=True
        )
        k_1, k_2 = ops.split(losses.l2_normalize(keys), 2)

        others = ops.concatenate([k_2, k_1])
        logits = losses.queue_logits(z, others, self.queue.rows, self.temperature)
        first = ops.zeros((ops.shape(logits)[0],), dtype="int32")
        self.queue.push(k_1)
        self.queue.push(k_2)
        return losses.cross_entropy(logits, first), {
            "contrastive_accuracy": losses.accuracy(logits, first)
        }

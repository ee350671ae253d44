"""MoCo: find the key of the same image among the keys of a long queue."""

import keras
from keras import ops

from tfssl import layers, losses, replicas
from tfssl.checks import check_count, check_positive, check_share
from tfssl.methods.method import Method
from tfssl.views import MoCoViews, RandomStream


@keras.saving.register_keras_serializable("tfssl")
class MoCo(Method):
    """Contrasts a query with its key and with the keys of past batches.

        q = normalize(projector(encoder(view_1)))
        key networks <- momentum key networks + (1 - momentum) query networks
        k = normalize(key_projector(key_encoder(view_2)))       no gradient
        loss = -log softmax([q.k, q.queue] / temperature)[0]
        queue <- k, in place of the oldest

    The key batch is shuffled over all replicas before its batch normalisation, and put
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
        temperature: float, above 0. Defaults to 0.2 (v1: 0.07).
        momentum: float in [0, 1], of the key networks. Defaults to 0.999.
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
    encoder_defaults = {"zero_init_residual": False}

    def __init__(
        self,
        encoder,
        views=None,
        projector=None,
        queue_size=65536,
        temperature=0.2,
        momentum=0.999,
        symmetric=False,
        seed=0,
        name="moco",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_count(queue_size=queue_size)
        check_positive(temperature=temperature)
        check_share(momentum=momentum)
        if projector is None:
            projector = (self.feature_dim, 128)
        self.projector = layers.as_projection_head(
            projector, self.feature_dim, norm=False
        )
        self.key_encoder = layers.momentum_copy(self.encoder, "key_encoder")
        self.key_projector = layers.momentum_copy(self.projector, "key_projector")
        self.queue = layers.Queue(queue_size, self.projector.output_shape[-1], seed)
        self.queue_size = queue_size
        self.temperature = temperature
        self.momentum = momentum
        self.symmetric = symmetric

    @classmethod
    def make_encoder(cls, name, image_size, **kwargs):
        return super().make_encoder(name, image_size, **{"norm": "split", **kwargs})

    def check_batch(self, size):
        super().check_batch(size)
        self.queue.check(size)

    def views_loss(self, views):
        pairs = [views, views[::-1]] if self.symmetric else [views]
        queries = [
            self.projector(self.features(query, training=True), training=True)
            for query, _ in pairs
        ]
        layers.follow(self.key_encoder, self.encoder, self.momentum)
        layers.follow(self.key_projector, self.projector, self.momentum)
        keys = [self.keys(key, number) for number, (_, key) in enumerate(pairs)]

        loss = accuracy = 0.0
        for query, key in zip(queries, keys, strict=True):
            logits = losses.queue_logits(query, key, self.queue.rows, self.temperature)
            first = ops.zeros((ops.shape(logits)[0],), dtype="int32")
            loss += losses.cross_entropy(logits, first)
            accuracy += losses.accuracy(logits, first) / len(pairs)
        for key in keys:
            self.queue.push(losses.l2_normalize(key))
        return loss, {"contrastive_accuracy": accuracy}

    def keys(self, images, number=0):
        """Keys of images, normalised in a shuffled batch; no gradient."""
        rows = replicas.gather(images)
        stream = RandomStream(self.key(shared=True))
        order = ops.argsort(stream.uniform((ops.shape(rows)[0], 2))[:, number])
        mine = ops.take(rows, replicas.own(order), axis=0)

        features = layers.pooled(self.key_encoder(mine, training=True))
        keys = replicas.gather(self.key_projector(features, training=True))
        places = replicas.own(ops.argsort(order))
        return ops.stop_gradient(ops.take(keys, places, axis=0))

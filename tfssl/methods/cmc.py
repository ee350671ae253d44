"""CMC: find the colours of an image from its luminance, and the other way round."""

import keras
from keras import ops

from tfssl import encoders, layers, losses, replicas
from tfssl.checks import check_count, check_positive, check_share
from tfssl.methods.method import Method
from tfssl.training import Batches
from tfssl.views import CropViews, RandomStream

_EPSILON = 1e-7
_CONTRASTS = ("infonce", "softmax", "nce")


@keras.saving.register_keras_serializable("tfssl")
class CMC(Method):
    """Contrasts two parts of an image, each with an encoder of its own.

        f_1 = normalize(projector_1(encoder_1(L)))
        f_2 = normalize(projector_2(encoder_2(ab)))
        "infonce": f_1 finds f_2 of its image among those of the batch, and f_2 f_1;
                   of two views, f_1 of one finds f_2 of the other
        "softmax": f_1 finds its image's row among drawn rows of the bank of f_2, and
                   f_2 its row in the bank of f_1
        "nce": the same as a classification of each row, own or drawn from the noise

    The banks hold one row for each image. With a bank, `fit` needs the index of each
    image: arrays have it, a `tf.data.Dataset` gives `{"images": ..., "index": ...}`.

    Args:
        encoder: `keras.Model` of `tfssl.encoders.split_pair`.
        views: `tfssl.views.Views` that makes one view, or two for "infonce": parts of
            the same crop share its place and size, which is all they need to find each
            other; with a bank the other part is of an earlier crop. Defaults to
            `tfssl.views.CropViews` at the encoder's image size, two for "infonce".
        projector: widths of the layers of each of the two projectors; no
            normalisation. Defaults to `(128,)`.
        contrast: "infonce", "softmax" or "nce". Defaults to "infonce".
        images: int, images in the data set; for "softmax" and "nce".
        negatives: int, rows drawn for each image; for "softmax" and "nce". They may hit
            the image itself. Defaults to 16384.
        temperature: float, above 0. Defaults to 0.07.
        bank_momentum: float in [0, 1]. Defaults to 0.5.
        seed: int, of views and draws. Defaults to 0.

    Raises:
        ValueError: for an encoder that is not a pair, another contrast, a bank without
            the number of images or with fewer than `fit` gets, more views than it
            takes, or a number out of range.

    Example:
        >>> import numpy as np, tfssl
        >>> l, ab = (
        ...     tfssl.encoders.resnet10(16, stem="small", width=4, channels=c)
        ...     for c in (1, 2)
        ... )
        >>> encoder = tfssl.encoders.split_pair(l, ab, image_size=16)
        >>> model = tfssl.methods.CMC(
        ...     encoder, contrast="softmax", images=16, negatives=8
        ... )
        >>> model.compile("adam")
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Tian et al. 2019, arXiv 1906.05849, sections 3 and 4.1.
    """

    views_class = CropViews
    num_views = (1, 2)
    log_names = ("contrastive_accuracy",)

    def __init__(
        self,
        encoder,
        views=None,
        projector=(128,),
        contrast="infonce",
        images=None,
        negatives=16384,
        temperature=0.07,
        bank_momentum=0.5,
        seed=0,
        name="cmc",
    ):
        encoder = encoders.as_encoder(encoder)
        if views is None:
            size = encoder.input_shape[1]
            views = CropViews(size, num_views=2 if contrast == "infonce" else 1)
        super().__init__(encoder, views, seed=seed, name=name)
        pair = [e for e in getattr(encoder, "layers", []) if isinstance(e, keras.Model)]
        self.widths = [e.output_shape[-1] for e in pair]
        if len(pair) != 2 or sum(self.widths) != self.feature_dim:
            raise ValueError(
                "CMC needs two encoders side by side; make them one with "
                f"tfssl.encoders.split_pair. Received: {encoder.name}"
            )
        if contrast not in _CONTRASTS:
            raise ValueError(
                f"contrast must be one of {_CONTRASTS}. Received: {contrast!r}"
            )
        check_positive(temperature=temperature)
        check_count(negatives=negatives)
        check_share(bank_momentum=bank_momentum)
        self.projectors = [
            layers.projection_head(width, projector, norm=False, name=f"projector_{n}")
            for n, width in enumerate(self.widths, start=1)
        ]
        self.projector = tuple(projector)
        self.contrast = contrast
        self.images = images
        self.negatives = negatives
        self.temperature = temperature
        self.bank_momentum = bank_momentum
        if self.needs_index:
            # The banks hold what else there is to be found.
            self.num_views = 1
            self.check_views(self.views.num_views)
            if images is None:
                raise ValueError(
                    f"contrast={contrast!r} keeps a row for each image of the data "
                    f"set. Received: images={images}"
                )
            check_count(images=images)
            self.banks = [
                layers.MemoryBank(
                    images, projector[-1], bank_momentum, seed + n, f"bank_{n}"
                )
                for n in (1, 2)
            ]
        if contrast == "nce":
            # Of both directions; 0 until the first batch sets it.
            self.normalizers = self.add_weight(
                name="normalizers", shape=(2,), initializer="zeros", trainable=False
            )

    @property
    def needs_index(self):
        return self.contrast != "infonce"

    @classmethod
    def make_encoder(cls, name, image_size, width=64, split="lab", **kwargs):
        """As `Method.make_encoder`: two of them, each of half the width."""
        shapes = layers.SplitImage(split).view_shapes(image_size, image_size)
        pair = [
            super(CMC, cls).make_encoder(
                name,
                (rows, columns),
                width=max(width // 2, 1),
                channels=channels,
                **kwargs,
            )
            for rows, columns, channels in shapes
        ]
        return encoders.split_pair(*pair, image_size, split, name=f"{name}_{split}")

    def fit(self, x=None, *args, **kwargs):
        """As `Method.fit`; a bank must have a row for each image of an array."""
        images = x.images if isinstance(x, Batches) else x
        if self.needs_index and hasattr(images, "shape") and len(images) > self.images:
            raise ValueError(
                f"The banks have {self.images} rows, one for each image. Choose "
                f"images={len(images)}. Received: {len(images)} images"
            )
        return super().fit(x, *args, **kwargs)

    def views_loss(self, views):
        if self.contrast == "infonce":
            return self.batch_loss(views)
        return self.bank_loss(*views)

    def parts(self, images):
        """Unit vectors f_1 and f_2 of images, in training mode."""
        features = self.features(images, training=True)
        parts = ops.split(features, [self.widths[0]], axis=-1)
        return [
            losses.l2_normalize(projector(part, training=True))
            for projector, part in zip(self.projectors, parts, strict=True)
        ]

    def batch_loss(self, views):
        """Each part finds the other part of its image among those of the batch."""
        f_1, f_2 = (
            ops.split(f, len(views)) for f in self.parts(ops.concatenate(views))
        )
        labels = replicas.places(ops.shape(f_1[0])[0])
        loss = accuracy = 0.0
        # Of two views, the other part is that of the other view.
        for a, b in zip(f_1, f_2[::-1], strict=True):
            for logits in (self.batch_logits(a, b), self.batch_logits(b, a)):
                loss += losses.cross_entropy(logits, labels)
                accuracy += losses.accuracy(logits, labels) / 2
        count = len(views)
        return loss / count, {"contrastive_accuracy": accuracy / count}

    def bank_loss(self, images, index):
        """Each part finds its image's row in the bank of the other part."""
        parts = self.parts(images)
        rows = ops.concatenate([index[:, None], self.draw(index)], axis=1)
        logits = [self.bank_logits(f, 1 - n, rows) for n, f in enumerate(parts)]
        labels = ops.zeros_like(index)
        if self.contrast == "nce":
            scores = [ops.exp(each) for each in logits]
            self.set_normalizers(scores)
            loss = sum(
                nce_loss(each / self.normalizers[n], self.images)
                for n, each in enumerate(scores)
            )
        else:
            loss = sum(losses.cross_entropy(each, labels) for each in logits)
        for bank, f in zip(self.banks, parts, strict=True):
            bank.update(index, f)
        accuracy = sum(losses.accuracy(each, labels) for each in logits) / 2
        return loss, {"contrastive_accuracy": accuracy}

    def batch_logits(self, queries, others):
        """Each query against the other view of all images of the batch."""
        return (
            ops.matmul(queries, ops.transpose(replicas.gather(others)))
            / self.temperature
        )

    def bank_logits(self, queries, bank, rows):
        """Each query against its image's row of a bank, then the drawn ones."""
        stored = ops.take(self.banks[bank].rows, rows, axis=0)
        return ops.einsum("bd,bkd->bk", queries, stored) / self.temperature

    def draw(self, index):
        """Random rows `[batch, negatives]`; the draw of the whole batch is shared."""
        total = ops.shape(index)[0] * replicas.count()
        numbers = RandomStream(self.key(shared=True)).uniform((total, self.negatives))
        rows = ops.cast(replicas.own(numbers) * self.images, "int32")
        return ops.minimum(rows, self.images - 1)

    def set_normalizers(self, scores):
        """Of the first batch: mean score times images, so that P is about 1 / n."""
        new = ops.stack(
            [replicas.mean(ops.mean(each)) * self.images for each in scores]
        )
        old = ops.convert_to_tensor(self.normalizers)
        self.normalizers.assign(ops.where(old > 0, old, ops.stop_gradient(new)))


def nce_loss(probabilities, images):
    """Noise-contrastive estimation: which row is the image's own, which is noise.

    Args:
        probabilities: float32 `[batch, 1 + negatives]`, of the own row and the drawn.
        images: int, images that the noise draws from.

    Returns:
        float32 scalar, the mean over the batch of the sum over the rows.

    Example:
        >>> import keras
        >>> from tfssl.methods.cmc import nce_loss
        >>> p = keras.ops.full((2, 1 + 4096), 1 / 50_000)
        >>> round(float(nce_loss(p, 50_000)), 2)
        9.32

    Source: Wu et al. 2018, arXiv 1805.01978, section 3.2.
    """
    noise = (probabilities.shape[1] - 1) / images
    total = probabilities + noise + _EPSILON
    own = ops.log(probabilities[:, 0] / total[:, 0])
    drawn = ops.sum(ops.log(noise / total[:, 1:]), axis=1)
    return -ops.mean(own + drawn)

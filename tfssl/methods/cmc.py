"""CMC: find the colours of an image from its luminance, and the other way round."""

from collections.abc import Sequence

import keras
from keras import ops

from tfssl import encoders, heads, layers, losses
from tfssl.checks import check_count, check_fraction, check_positive
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import Number, ViewsLike
from tfssl.training import Batches
from tfssl.views import CropViews

_CONTRASTS = ("infonce", "softmax", "nce")
# exp(1 / .0125) = 5e34: at .0113 a score is no float32 any more.
_LEAST_NCE_TEMPERATURE = 0.0125


@keras.saving.register_keras_serializable("tfssl")
class CMC(Method):
    """Luminance of a view with colours of another view of the image, against others.

    Both parts have an encoder of their own:

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
        num_images: int, images in the data set; for "softmax" and "nce".
        negatives: int, rows drawn for each image; for "softmax" and "nce". They may hit
            the image itself. Defaults to 16384.
        temperature: float above 0, for "nce" at least 0.0125, or schedule. Defaults to
            0.07.
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
        ...     encoder, contrast="softmax", num_images=16, negatives=8
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
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: Sequence[int] = (128,),
        contrast: str = "infonce",
        num_images: int | None = None,
        negatives: int = 16384,
        temperature: Number = 0.07,
        bank_momentum: float = 0.5,
        seed: int = 0,
        name: str | None = "cmc",
    ):
        if views is None:
            size = encoders.as_encoder(encoder).input_shape[1]
            views = CropViews(size, num_views=2 if contrast == "infonce" else 1)
        super().__init__(encoder, views, seed=seed, name=name)
        pair = [encoders.part(self.encoder, f"view_{n}") for n in (1, 2)]
        self.widths = [each.output_shape[-1] for each in pair]
        if contrast not in _CONTRASTS:
            raise ValueError(
                f"contrast must be one of {_CONTRASTS}. Received: {contrast!r}"
            )
        check_positive(temperature=temperature)
        coolest = min(getattr(temperature, "endpoints", (temperature,)))
        if contrast == "nce" and coolest < _LEAST_NCE_TEMPERATURE:
            raise ValueError(
                "contrast='nce' computes exp(1 / temperature), which overflows: the "
                f"temperature must be at least {_LEAST_NCE_TEMPERATURE}. Choose a "
                "larger one, or contrast='softmax'. Received: "
                f"temperature={temperature}"
            )
        check_count(negatives=negatives)
        check_fraction(bank_momentum=bank_momentum)
        self.projectors = [
            heads.projection_head(width, projector, norm=False, name=f"projector_{n}")
            for n, width in enumerate(self.widths, start=1)
        ]
        self.projector = tuple(projector)
        self.contrast = contrast
        self.num_images = num_images
        self.negatives = negatives
        self.temperature = temperature
        self.bank_momentum = bank_momentum
        if self.needs_index:
            # The banks hold what else there is to be found.
            self.num_views = 1
            self.check_views(self.views.num_views)
            if num_images is None:
                raise ValueError(
                    f"contrast={contrast!r} keeps a row for each image of the data "
                    f"set. Received: num_images={num_images}"
                )
            check_count(num_images=num_images)
            self.banks = [
                layers.MemoryBank(
                    num_images, projector[-1], bank_momentum, seed + n, f"bank_{n}"
                )
                for n in (1, 2)
            ]
        if contrast == "nce":
            self.normalizers = layers.Normalizers(2, num_images)

    @property
    def needs_index(self):
        return self.contrast != "infonce"

    def fit(self, x=None, *args, **kwargs):
        """As `Method.fit`; a bank must have a row for each image of an array."""
        images = x.images if isinstance(x, Batches) else x
        count = len(images) if hasattr(images, "shape") else 0
        if self.needs_index and count > self.num_images:
            raise ValueError(
                f"The banks have {self.num_images} rows, one for each image. Choose "
                f"num_images={count}. Received: {count} images"
            )
        return super().fit(x, *args, **kwargs)

    def views_loss(self, batch):
        if self.contrast == "infonce":
            return self.batch_loss(batch.views)
        return self.bank_loss(batch)

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
        loss = accuracy = 0.0
        # Of two views, the other part is that of the other view.
        for a, b in zip(f_1, f_2[::-1], strict=True):
            for query, key in ((a, b), (b, a)):
                logits, own = losses.batch_logits(
                    query, key, self.now(self.temperature)
                )
                loss += losses.cross_entropy(logits, own)
                accuracy += losses.accuracy(logits, own) / 2
        count = len(views)
        return loss / count, {"contrastive_accuracy": accuracy / count}

    def bank_loss(self, batch):
        """Each part finds its image's row in the bank of the other part."""
        (images,), index, _ = batch
        f_1, f_2 = self.parts(images)
        if self.evaluating:
            # Images that are held out have no rows; any will do, see `bank_logits`.
            index = index % self.num_images
        rows = ops.concatenate([index[:, None], self.draw(index)], axis=1)
        logits = [
            self.bank_logits(f_1, f_2, self.banks[1], rows),
            self.bank_logits(f_2, f_1, self.banks[0], rows),
        ]
        own = ops.zeros_like(index)
        if self.contrast == "nce":
            scores = [ops.exp(each) for each in logits]
            z = self.normalizers(scores)
            loss = sum(
                losses.nce(each / z[n], self.num_images)
                for n, each in enumerate(scores)
            )
        else:
            loss = sum(losses.cross_entropy(each, own) for each in logits)
        for bank, f in zip(self.banks, (f_1, f_2), strict=True):
            bank.update(index, f)
        accuracy = sum(losses.accuracy(each, own) for each in logits) / 2
        return loss, {"contrastive_accuracy": accuracy}

    def bank_logits(self, queries, keys, bank, rows):
        """Each query against its image's row of a bank, then the drawn ones."""
        temperature = self.now(self.temperature)
        logits = losses.bank_logits(queries, bank.rows, rows, temperature)
        if not self.evaluating:
            return logits
        # A held-out image has no row; its other part stands for it.
        own = ops.sum(queries * keys, axis=1, keepdims=True) / temperature
        return ops.concatenate([own, logits[:, 1:]], axis=1)

    def draw(self, index):
        """Random rows `[batch, negatives]`; they may hit the image itself."""
        numbers = self.uniform((ops.shape(index)[0], self.negatives), "negatives")
        rows = ops.cast(numbers * self.num_images, "int32")
        return ops.minimum(rows, self.num_images - 1)


def make_encoder(name, image_size, width=64, split="lab", **kwargs):
    """Two encoders of a kind side by side, each of half the width.

    Args:
        name: string, one of `tfssl.encoders.ENCODERS`.
        image_size: int, height and width of the images.
        width: int, channels of the first stage of both together. Defaults to 64.
        split: "lab" or "halves", of `tfssl.layers.SplitImage`. Defaults to "lab".
        **kwargs: as `tfssl.encoders.encoder`.

    Returns:
        `keras.Model` of `tfssl.encoders.split_pair`.
    """
    pair = [
        encoders.encoder(
            name, (rows, columns), width=max(width // 2, 1), channels=channels, **kwargs
        )
        for rows, columns, channels in layers.SplitImage(split).view_shapes(
            image_size, image_size
        )
    ]
    return encoders.split_pair(*pair, image_size, split, name=f"{name}_{split}")


RECIPES = {
    "cmc": {
        "digits": digits(
            measured="37 s on 2 CPU cores; kNN .913 with 5 labels per class, .992 with "
            "all 1,297 [77fad41]",
            arguments={"temperature": 0.2, "projector": (128, 64)},
            # Two views of a digit, not quite at the same position and size.
            views={"crop_scale": (0.7, 1.0), "degrees": 8.0, "brightness": 0.2},
            make_encoder=make_encoder,
            encoder_arguments={"split": "halves", "dim": 128},
        ),
        "cifar": Recipe(
            measured="--encoder_width=16, 4 epochs on CIFAR-10; "
            "kNN .490, linear .518 [80a8044]",
            arguments={"temperature": 0.1},
            views={"num_views": 2},
            make_encoder=make_encoder,
            optimizer="sgd",
            learning_rate=0.06,
            weight_decay=5e-4,
        ),
        "paper": Recipe(
            arguments={"contrast": "nce", "negatives": 16384, "temperature": 0.07},
            views={"crop_scale": (0.08, 1.0)},
            make_encoder=make_encoder,
            encoder="resnet50",
            epochs=240,
            optimizer="sgd",
            learning_rate=0.06,
            weight_decay=1e-4,
            batch_size=128,
            milestones=(120 / 240, 160 / 240, 200 / 240),
        ),
    }
}

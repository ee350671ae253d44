"""SimCLR: agree with the other view of the same image, and with nothing else."""

import keras
from keras import ops

from tfssl import heads, losses
from tfssl.checks import check_positive
from tfssl.methods.method import Method
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.views import SimCLRViews


@keras.saving.register_keras_serializable("tfssl")
class SimCLR(Method):
    """A view with the other view of its image, against the views of all other images.

        h = encoder(view)          [batch, dim]       the features that are kept
        z = projector(h)           [batch, 128]       thrown away after pretraining
        loss = nt_xent(z_1, z_2)   each z picks its image's other z among 2N - 1

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views` that makes two views. Defaults to
            `tfssl.views.SimCLRViews` at the encoder's image size.
        projector: `keras.Model` `[batch, dim]` to `[batch, d]`, or the widths of its
            layers. Defaults to two layers as in the paper, `(dim, 128)`.
        temperature: float, above 0. Defaults to 0.1.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a temperature that is not above 0, other than two views, or an
            empty projector.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet18(image_size=16, stem="small", width=4)
        >>> views = tfssl.views.SimCLRViews(image_size=16, strength=0.5, blur=False)
        >>> model = tfssl.methods.SimCLR(encoder, views, temperature=0.2)
        >>> model.compile(tfssl.optimizers.LARS(0.3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)
        >>> model(images).shape[0]
        16

    Source: Chen et al. 2020, arXiv 2002.05709.
    """

    views_class = SimCLRViews
    num_views = 2
    log_names = ("contrastive_accuracy",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        projector: HeadLike | None = None,
        temperature: Number = 0.1,
        seed: int = 0,
        name: str | None = "simclr",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_positive(temperature=temperature)
        if projector is None:
            projector = (self.feature_dim, 128)
        self.projector = heads.as_projection_head(projector, self.feature_dim)
        self.temperature = temperature

    def views_loss(self, batch):
        # One batch of both views: normalisation sees them together, as in the paper.
        z_1, z_2 = ops.split(self.embed(ops.concatenate(batch.views)), 2)
        temperature = self.now(self.temperature)
        logits, positives = losses.nt_xent_logits(z_1, z_2, temperature)
        return losses.cross_entropy(logits, positives), {
            "contrastive_accuracy": losses.accuracy(logits, positives)
        }


# For images up to 64 pixels. At the trust coefficient of the paper, .001, which is made
# for 100,000 steps, weights hardly leave where they started.
SMALL = {
    "views": {"crop_scale": (0.2, 1.0)},
    "optimizer": "lars",
    "optimizer_arguments": {"trust_coefficient": 0.01},
    "learning_rate": 0.5,
    "weight_decay": 1e-4,
}

RECIPES = {
    "simclr": {
        "digits": digits(
            measured="40 s on 2 CPU cores; kNN .917 with 5 labels per class, .986 with "
            "all 1,297 [77fad41]",
            arguments={"temperature": 0.2, "projector": (128, 64)},
        ),
        "cifar": Recipe(
            measured="--epochs=200 --batch_size=512 --warmup_epochs=10 on CIFAR-10, "
            "276 s on an H200; kNN .857, linear .885 [ac8c1f5]",
            arguments={"temperature": 0.2, "projector": (2048, 128)},
            **SMALL,
        ),
        "photos": Recipe(
            arguments={"temperature": 0.2, "projector": (2048, 128)}, **SMALL
        ),
        "paper": Recipe(
            arguments={"temperature": 0.1},
            encoder="resnet50",
            optimizer="lars",
            # .075 for one image: 4.8 for 4,096. The authors found it better for fewer.
            learning_rate=1.2,
            rate_scaling="sqrt",
            weight_decay=1e-4,
            batch_size=4096,
            warmup_epochs=10,
        ),
    }
}

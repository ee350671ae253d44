"""DINO: say of each view what a slower copy of the network says of another."""

import keras
from keras import ops

from tfssl import heads, layers, losses
from tfssl.checks import check_count, check_fraction, check_moment, check_positive
from tfssl.methods.multi_crop import MultiCropMethod
from tfssl.methods.presets import digits
from tfssl.methods.recipes import Recipe
from tfssl.methods.types import HeadLike, Number, ViewsLike
from tfssl.optimizers import Cosine
from tfssl.views import DINOViews


@keras.saving.register_keras_serializable("tfssl")
class DINO(MultiCropMethod):
    """A distribution over prototypes that agrees with the teacher's of another view.

        s = head(encoder(view)) / temperature                   all views
        p_a = softmax((teacher(view a) - centre) / teacher_temperature)
                                                  global views, no gradient
        loss = mean over a, and v other than a, of -p_a . log softmax(s_v)
        centre <- center_momentum centre + (1 - center_momentum) mean teacher(view a)
        teacher <- momentum teacher + (1 - momentum) (encoder, head)

    The centre keeps one prototype from winning all images, the low temperature of the
    teacher keeps all from becoming equal. The teacher moves after the optimizer; the
    head's last layer does not move at first.

    Args:
        encoder: `keras.Model`, images to features.
        views: `tfssl.views.Views`: two global views, then any number of local ones.
            Defaults to `tfssl.views.DINOViews` at the encoder's image size.
        head: `keras.Model` `[batch, dim]` to `[batch, prototypes]`, or the widths of
            the layers before the prototypes, see `tfssl.heads.prototype_head`. Defaults
            to `(2048, 2048, 256)`.
        prototypes: int, for a head given by its widths, as are the next two. Defaults
            to 65536.
        head_norm: bool, whether the head has batch normalisation, which keeps small
            convolutional networks from collapsing. Defaults to False.
        learned_gain: bool, whether each prototype has a learned gain. Defaults to
            False; the authors learn it for ViT-S.
        temperature: float above 0, or schedule, of the student. Defaults to 0.1.
        teacher_temperature: float above 0, or schedule. Defaults to 0.04; long runs
            take `tfssl.optimizers.Linear(0.04, 0.07, until=0.1)`.
        momentum: float in [0, 1] or schedule, of the teacher. Defaults to
            `tfssl.optimizers.Cosine(0.996, 1.0)`.
        center_momentum: float in [0, 1], or schedule. Defaults to 0.9.
        freeze_last_layer: int, steps, or float in [0, 1], fraction of the run, for
            which the head's last layer stays as it is. Defaults to 0.01, an epoch of
            100.
        seed: int, of the views. Defaults to 0.

    Raises:
        ValueError: for a number out of range, fewer than two views, or an empty head.

    Example:
        >>> import numpy as np, tfssl
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> views = tfssl.views.DINOViews(16, local_size=8, num_local=2)
        >>> model = tfssl.methods.DINO(encoder, views, (64, 16), prototypes=32)
        >>> model.compile(tfssl.optimizers.AdamW(1e-3))
        >>> images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
        >>> history = model.fit(images, batch_size=8, epochs=1, verbose=0)

    Source: Caron et al. 2021, arXiv 2104.14294.
    """

    views_class = DINOViews
    log_names = ("teacher_entropy",)
    moments = ("freeze_last_layer",)

    def __init__(
        self,
        encoder: keras.Model,
        views: ViewsLike | None = None,
        head: HeadLike = (2048, 2048, 256),
        prototypes: int = 65536,
        head_norm: bool = False,
        learned_gain: bool = False,
        temperature: Number = 0.1,
        teacher_temperature: Number = 0.04,
        momentum: Number = Cosine(0.996, 1.0),  # noqa: B008, it has no state
        center_momentum: Number = 0.9,
        freeze_last_layer: int | float = 0.01,
        seed: int = 0,
        name: str | None = "dino",
    ):
        super().__init__(encoder, views, seed=seed, name=name)
        check_count(prototypes=prototypes)
        check_positive(temperature=temperature, teacher_temperature=teacher_temperature)
        check_fraction(momentum=momentum, center_momentum=center_momentum)
        check_moment(freeze_last_layer=freeze_last_layer)
        self.head = heads.as_prototype_head(
            head,
            self.feature_dim,
            prototypes,
            norm=head_norm,
            learned_gain=learned_gain,
        )
        self.teacher = layers.Teacher(self.encoder, self.head)
        self.center = self.add_weight(
            name="center",
            shape=self.head.output_shape[-1:],
            initializer="zeros",
            dtype="float32",
            trainable=False,
        )
        self.prototypes = prototypes
        self.head_norm = head_norm
        self.learned_gain = learned_gain
        self.temperature = temperature
        self.teacher_temperature = teacher_temperature
        self.momentum = momentum
        self.center_momentum = center_momentum
        self.freeze_last_layer = freeze_last_layer

    def views_loss(self, batch):
        outputs = self.head(self.view_features(batch.views), training=True)
        logits = ops.cast(outputs, "float32") / self.now(self.temperature)
        of_teacher = self.teacher(ops.concatenate(batch.views[: self.num_global]))
        targets = self.targets(of_teacher)
        loss = losses.swapped_prediction(
            ops.split(targets, self.num_global), ops.split(logits, len(batch.views))
        )
        self.move_center(of_teacher)
        return loss, {"teacher_entropy": ops.mean(losses.entropy(targets))}

    def targets(self, outputs):
        """Probabilities `[rows, prototypes]` of outputs of the teacher."""
        centered = ops.cast(outputs, "float32") - self.center
        return ops.softmax(centered / self.now(self.teacher_temperature))

    def move_center(self, outputs):
        """Takes the centre a step towards the mean of the teacher's outputs."""
        mean = losses.batch_mean(ops.cast(outputs, "float32"))
        momentum = self.now(self.center_momentum)
        self.center.assign(momentum * self.center + (1.0 - momentum) * mean)

    def held_variables(self):
        last = self.head.layers[-1].trainable_variables
        return last, self.before(self.freeze_last_layer)

    @property
    def published_encoder(self):
        """The teacher's, as in the paper; to train on, a copy, see `Method`."""
        return self.teacher.networks[0]

    def after_update(self):
        self.teacher.update(self.now(self.momentum))


RECIPES = {
    "dino": {
        "digits": digits(
            arguments={
                "head": (256, 64),
                "prototypes": 256,
                "head_norm": True,
                "momentum": Cosine(0.95, 1.0),
                "freeze_last_layer": 0.05,
            },
        ),
        "cifar": Recipe(
            arguments={
                "prototypes": 4096,
                "head_norm": True,
                "momentum": Cosine(0.99, 1.0),
            },
            views={
                "num_local": 2,
                "global_scale": (0.3, 1.0),
                "local_scale": (0.1, 0.3),
            },
            learning_rate=1e-3,
            # As the paper's for vision transformers.
            weight_decay=Cosine(0.04, 0.4),
            optimizer_arguments={"decay_all": False, "clipnorm": 3.0},
        ),
        # The paper's for ResNet-50.
        "paper": Recipe(
            arguments={"freeze_last_layer": 1 / 800},
            views={"global_scale": (0.14, 1.0), "local_scale": (0.05, 0.14)},
            encoder="resnet50",
            encoder_arguments={"zero_init_residual": False},
            epochs=800,
            optimizer="sgd",
            optimizer_arguments={"decay_all": False},
            learning_rate=0.03,
            weight_decay=1e-4,
            batch_size=1024,
            warmup_epochs=10,
        ),
    }
}

"""A recipe: what a method is trained with, and how the model is made of it."""

import dataclasses
from collections.abc import Callable

import keras

from tfssl import encoders, methods, optimizers, views
from tfssl.methods.settings import arguments_of, make_with, value_of
from tfssl.training.state import MOST_STEPS


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a pretraining run, and the model that they make.

    Args:
        arguments: dict, what the method's constructor gets besides encoder and views.
        views_class: string, a class of `tfssl.views`. Defaults to the method's own.
        views: dict, what the views get besides the image size.
        encoder: string, one of `tfssl.encoders.ENCODERS`. Defaults to "resnet18".
        encoder_width: int, channels of its first stage, or of its tokens; None for the
            network's own. Defaults to 64.
        encoder_arguments: dict, what else `make_encoder` gets.
        make_encoder: function of an encoder's name, the image size, `width` and
            `encoder_arguments`, for methods with encoders of their own kind. Defaults
            to `tfssl.encoders.encoder`.
        epochs: int. Defaults to 100.
        optimizer: "adam", "adamw", "lars" or "sgd". Defaults to "adamw".
        optimizer_arguments: dict, what else the optimizer gets, such as `beta_1`.
        learning_rate: float, the peak for 256 images a step.
        rate_scaling: "linear" or "sqrt", how it grows with the batch. Defaults to
            None: linearly for lars and sgd, with the square root for adam and adamw.
        weight_decay: float; decoupled for adamw, coupled for lars and sgd. For adamw
            also a `tfssl.optimizers.Schedule` over the run.
        batch_size: int, images a step over all devices.
        warmup_epochs: float, epochs of linear warm-up before the cosine.
        warmup_fraction: float in [0, 1], the part of the run that is warm-up. Defaults
            to None: `warmup_epochs`.
        milestones: tuple of floats, the fractions of the run after which the rate falls
            to a tenth, instead of warm-up and cosine; `()` keeps it as it is. Defaults
            to None, the cosine.
        chunk: int, rows that go through the encoder at a time, on each device, see
            `Method.compile`. Defaults to None: all at once.
        accumulate: int, parts of a batch that are computed one after the other, see
            there. Defaults to None: all at once.
        fits: function of an image size in pixels, whether the recipe's network fits it.
            Defaults to None: any.
        elsewhere: dict of fields, what presets auto and photos change if it does not.
        measured: string, what it took and gave, with the commit that was measured;
            "" if it was not.
        method, preset, image_size: what `tfssl.methods.recipe` was asked for.
        settings: tuple of strings, what `set` changed.

    Example:
        >>> import tfssl
        >>> recipe = tfssl.methods.recipe("simclr", image_size=32, preset="cifar")
        >>> recipe = recipe.set("temperature=0.5").replace(encoder_width=8)
        >>> model = recipe.make(num_images=50_000, epochs=100)
        >>> model.temperature
        0.5
    """

    arguments: dict = dataclasses.field(default_factory=dict)
    views_class: str | None = None
    views: dict = dataclasses.field(default_factory=dict)
    encoder: str = "resnet18"
    encoder_width: int | None = 64
    encoder_arguments: dict = dataclasses.field(default_factory=dict)
    make_encoder: Callable = encoders.encoder
    epochs: int = 100
    optimizer: str = "adamw"
    optimizer_arguments: dict = dataclasses.field(default_factory=dict)
    learning_rate: float = 2e-3
    rate_scaling: str | None = None
    weight_decay: float | optimizers.Schedule = 1e-2
    batch_size: int = 256
    warmup_epochs: float = 1.0
    warmup_fraction: float | None = None
    milestones: tuple | None = None
    chunk: int | None = None
    accumulate: int | None = None
    fits: Callable | None = None
    elsewhere: dict = dataclasses.field(default_factory=dict)
    measured: str = ""
    method: str | None = None
    preset: str | None = None
    image_size: int | None = None
    settings: tuple = ()

    def replace(self, **changes):
        """The recipe with other values.

        Another optimizer needs a learning rate and a weight decay with it. Arguments
        that another encoder does not take are left out, and one of another kind has its
        own width, and another optimizer its own scaling of the rate. Epochs of warm-up
        take the place of a fraction and of milestones.

        Args:
            **changes: fields of the recipe.

        Returns:
            `Recipe`.

        Raises:
            ValueError: for another optimizer without its numbers.
            TypeError: for what is no field.
        """
        if changes.get("optimizer", self.optimizer) != self.optimizer:
            missing = sorted({"learning_rate", "weight_decay"} - set(changes))
            if missing:
                raise ValueError(
                    f"The recipe's optimizer is {self.optimizer}; with another one set "
                    f"{' and '.join(missing)} too. Received: "
                    f"optimizer={changes['optimizer']!r}"
                )
            changes = {"optimizer_arguments": {}, "rate_scaling": None, **changes}
        if "warmup_epochs" in changes:
            changes = {"milestones": None, "warmup_fraction": None, **changes}
        recipe = dataclasses.replace(self, **changes)
        if recipe.encoder != self.encoder and "encoder_arguments" not in changes:
            # Those of the recipe's network may not fit another.
            taken = recipe._parts()["encoder"][1]
            if "stem" not in arguments_of(getattr(encoders, recipe.encoder)):
                taken.pop("stem", None)
            kept = {k: v for k, v in self.encoder_arguments.items() if k in taken}
            recipe = dataclasses.replace(recipe, encoder_arguments=kept)
        if "encoder_width" not in changes and recipe.own_width != self.own_width:
            recipe = dataclasses.replace(recipe, encoder_width=None)
        return recipe

    def set(self, *settings):
        """The recipe with other arguments of the method, its views or its encoder.

        Args:
            *settings: strings NAME=VALUE, such as "temperature=0.5". If several of the
                three take the name, the first of them gets it; "encoder.NAME",
                "views.NAME" and "method.NAME" say which.

        Returns:
            `Recipe`.

        Raises:
            ValueError: for an unknown name, or a value of another kind.
        """
        parts = self._parts()
        values = {part: dict(given) for part, (given, _) in parts.items()}
        for setting in settings:
            target, equals, _ = setting.partition("=")
            chosen, _, name = target.rpartition(".")
            places = [
                part
                for part, (_, known) in parts.items()
                if name in known and chosen in ("", part)
            ]
            if not equals or not places:
                names = [f"the {of}: {', '.join(k)}" for of, (_, k) in parts.items()]
                raise ValueError(
                    "A setting is NAME=VALUE, with one of the names of "
                    f"{'; '.join(names)}. Received: {setting!r}"
                )
            known = parts[places[0]][1]
            values[places[0]][name] = value_of(setting, known[name])
        return dataclasses.replace(
            self,
            arguments=values["method"],
            views=values["views"],
            encoder_arguments=values["encoder"],
            settings=(*self.settings, *settings),
        )

    def _parts(self):
        """What method, views and encoder are given, and what they take."""
        if self.encoder not in encoders.ENCODERS:
            raise ValueError(
                f"The encoder must be one of {', '.join(encoders.ENCODERS)}. Received: "
                f"{self.encoder!r}"
            )
        of_encoder = {
            **arguments_of(self.make_encoder),
            **arguments_of(getattr(encoders, self.encoder)),
        }
        for unset in ("defaults", "small_image", "width"):
            of_encoder.pop(unset, None)
        return {
            "method": (self.arguments, arguments_of(self.method_class.__init__)),
            "views": (self.views, arguments_of(self._views_class().__init__)),
            "encoder": (self.encoder_arguments, of_encoder),
        }

    @property
    def own_width(self):
        """The width of the network as it was published."""
        return encoders.own_width(self.encoder)

    @property
    def method_class(self):
        """The class of the method."""
        return methods.method_class(self.method)

    def make(self, num_images, epochs=None, seed=0, encoder=None):
        """The model: encoder, views, heads, optimizer and schedule, compiled.

        Args:
            num_images: int, images in an epoch.
            epochs: int, of the run. Defaults to the recipe's.
            seed: int, of views and draws. The weights come from the seed of
                `keras.utils.set_random_seed`.
            encoder: `keras.Model` to go on from, of images of the recipe's size.
                Defaults to a new one.

        Returns:
            Compiled `tfssl.methods.Method`, for `fit` with the recipe's `batch_size`.

        Raises:
            ValueError: for parts that do not fit, and as `total_steps`.
        """
        self.total_steps(num_images, epochs)
        arguments = dict(self.arguments)
        if "num_images" in arguments_of(self.method_class.__init__):
            # Of a memory with a row for each.
            arguments.setdefault("num_images", num_images)
        views = make_with(
            self.views, self.settings, self._views_class(), self.image_size
        )
        model = make_with(
            arguments,
            self.settings,
            self.method_class,
            encoder or self._made_encoder(),
            views=views,
            seed=seed,
        )
        parts = {"chunk": self.chunk, "accumulate": self.accumulate}
        parts = {name: value for name, value in parts.items() if value is not None}
        model.compile(self.make_optimizer(num_images, epochs), **parts)
        return model

    def _views_class(self):
        own = self.method_class.views_class
        return getattr(views, self.views_class) if self.views_class else own

    def _made_encoder(self):
        width = {} if self.encoder_width is None else {"width": self.encoder_width}
        try:
            return make_with(
                self.encoder_arguments,
                self.settings,
                self.make_encoder,
                self.encoder,
                self.image_size,
                **width,
            )
        except ValueError as error:
            raise ValueError(
                f"{self.method} cannot make its encoder: {error}"
            ) from None

    def total_steps(self, num_images, epochs=None):
        """The steps of a run.

        Args:
            num_images: int, images in an epoch.
            epochs: int. Defaults to the recipe's.

        Returns:
            int.

        Raises:
            ValueError: for a batch of more than all images, or more steps than an
                int32 counts.
        """
        if self.batch_size > num_images:
            raise ValueError(
                f"A batch of {self.batch_size} is more than the {num_images} images. "
                f"Choose a smaller batch_size. Received: batch_size={self.batch_size}"
            )
        epochs = self.epochs if epochs is None else epochs
        total = num_images // self.batch_size * epochs
        if total > MOST_STEPS:
            raise ValueError(
                f"A run has at most {MOST_STEPS:,} steps. Choose fewer epochs. "
                f"Received: epochs={epochs}, {total:,} steps"
            )
        return total

    def warmup(self, epochs=None):
        """The epochs of warm-up of a run.

        Args:
            epochs: int, of the run. Defaults to the recipe's.

        Returns:
            float.
        """
        if self.warmup_fraction is None:
            return self.warmup_epochs
        return self.warmup_fraction * (self.epochs if epochs is None else epochs)

    def make_optimizer(self, num_images, epochs=None):
        """The optimizer with the schedule of a run.

        Args:
            num_images: int, images in an epoch.
            epochs: int. Defaults to the recipe's.

        Returns:
            `keras.optimizers.Optimizer`.

        Raises:
            ValueError: for an unknown optimizer, and as `total_steps`.
        """
        peak = optimizers.peak_rate(
            self.optimizer, self.learning_rate, self.batch_size, self.rate_scaling
        )
        per_epoch = num_images // self.batch_size
        total = self.total_steps(num_images, epochs)
        if self.milestones is None:
            warmup = min(round(self.warmup(epochs) * per_epoch), total)
            rate = optimizers.WarmupCosine(peak, total, warmup)
        else:
            falls = [round(at * total) for at in self.milestones]
            rate = optimizers.Steps(peak, falls)
        arguments = dict(self.optimizer_arguments)
        if isinstance(self.weight_decay, optimizers.Schedule):
            # A run of no epochs has no steps.
            arguments["total_steps"] = max(total, 1)
        return optimizers.optimizer(
            self.optimizer, rate, self.weight_decay, **arguments
        )

    def to_dict(self):
        """The recipe as plain values, for the record of a run."""
        values = {name: getattr(self, name) for name in _plain_fields()}
        values["arguments"] = {k: _written(v) for k, v in self.arguments.items()}
        values["weight_decay"] = _written(self.weight_decay)
        return values

    @classmethod
    def from_dict(cls, values):
        """The recipe that `to_dict` wrote down; other keys are left out.

        Args:
            values: dict, such as the settings of a run.

        Returns:
            `Recipe`.
        """
        # For what is no plain value; the others come from the dictionary.
        found = methods.recipe(
            values["method"], values["image_size"], values["preset"], num_images=1
        )
        # Older records have neither of these, and mean none.
        known = dict.fromkeys(("rate_scaling", "warmup_fraction"))
        known |= {name: values[name] for name in _plain_fields() if name in values}
        known["arguments"] = {k: _read(v) for k, v in values["arguments"].items()}
        known["weight_decay"] = _read(values.get("weight_decay", found.weight_decay))
        return dataclasses.replace(found, **known)


def _written(value):
    """A schedule as Keras writes it down."""
    if isinstance(value, optimizers.Schedule):
        return keras.saving.serialize_keras_object(value)
    return value


def _read(value):
    is_schedule = isinstance(value, dict)
    return keras.saving.deserialize_keras_object(value) if is_schedule else value


def _plain_fields():
    others = {"make_encoder", "fits", "elsewhere", "measured"}
    return [f.name for f in dataclasses.fields(Recipe) if f.name not in others]

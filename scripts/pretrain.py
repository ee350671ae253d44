"""Pretrain an encoder on images without labels.

    python scripts/pretrain.py --dataset=digits --workdir=runs/digits
    python scripts/pretrain.py --encoder=resnet18 --encoder_width=16 \\
        --dataset=tfds:cifar10 --epochs=16 --workdir=runs/cifar10
    python scripts/pretrain.py --dataset=folder:my_photos --image_size=96 \\
        --epochs=100 --workdir=runs/photos

The workdir receives the encoder (encoder.keras), its projector, the metrics of each
epoch (metrics.csv), TensorBoard logs and a report to look at (report.html). The same
command again continues an interrupted run where it was.

Then: scripts/evaluate.py, scripts/finetune.py and scripts/publish.py.
"""

import dataclasses
import sys

import common
import settings
from absl import app, flags

FLAGS = flags.FLAGS
common.define_data_flags()

flags.DEFINE_string(
    "workdir", None, "Folder of the run; made if it does not exist.", required=True
)
flags.DEFINE_string(
    "method",
    "simclr",
    "What to learn by: cmc, context_encoder, cpc, dim, dim_global, moco_v1, moco_v2 "
    "(or moco), simclr, simclr_v2.",
)
flags.DEFINE_enum(
    "preset",
    "auto",
    ["auto", "digits", "cifar", "paper"],
    "Where what is not set below comes from: digits, a minute or two for handwritten "
    "digits; cifar, tuned for images up to 64 pixels; paper; auto: by the images.",
)
flags.DEFINE_multi_string(
    "set",
    [],
    "An argument of the method, of its views or of the encoder as NAME=VALUE, for "
    "example --set=temperature=0.5 --set=blur=false --set=norm=layer. If they share a "
    "name the first of them gets it; encoder.NAME is the encoder's. May be repeated.",
)

flags.DEFINE_enum(
    "encoder",
    None,
    common.ENCODERS,
    "The network. Default: the preset's.",
)
flags.DEFINE_integer(
    "encoder_width",
    None,
    "Channels of the network's first stage; 64 is the full-size network. Default: the "
    "preset's.",
    lower_bound=1,
)
flags.DEFINE_enum(
    "stem",
    "auto",
    ["auto", "small", "imagenet"],
    "First layers of a ResNet: small keeps the resolution, imagenet divides it by "
    "four. auto: small for images up to 64 pixels, and CPC's patches up to 32.",
)

flags.DEFINE_integer(
    "epochs",
    None,
    "Passes over the images; 0 saves the untrained encoder, to compare with. Default: "
    "the preset's.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "batch_size",
    None,
    "Images a step, over all devices. Default: the preset's.",
    lower_bound=2,
)
flags.DEFINE_enum(
    "optimizer",
    None,
    ["adam", "adamw", "lars", "sgd"],
    "Default: the preset's. With another optimizer than the preset's, set the learning "
    "rate and the weight decay too.",
)
flags.DEFINE_float(
    "learning_rate",
    None,
    "Peak learning rate for 256 images a step; it grows linearly with the batch for "
    "lars and sgd, and with its square root for adamw. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float(
    "weight_decay",
    None,
    "Coupled for lars and sgd, decoupled for adamw. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float(
    "warmup_epochs",
    None,
    "Epochs of linear warm-up before the cosine. Default: the preset's.",
    lower_bound=0,
)

flags.DEFINE_enum(
    "precision",
    "auto",
    ["auto", "float32", "mixed_bfloat16"],
    "Arithmetic of the network; losses and statistics are always float32. auto: "
    "mixed_bfloat16 where the processor or GPU computes in bfloat16, else float32.",
)
flags.DEFINE_enum(
    "strategy",
    "auto",
    ["auto", "one", "mirrored", "multi_worker"],
    "How devices share a step. auto: all GPUs of this machine, or one device.",
)
flags.DEFINE_integer(
    "virtual_devices",
    0,
    "Split the CPU into this many devices, to try replicas without GPUs.",
    lower_bound=0,
)
flags.DEFINE_integer("seed", 0, "Seed of weights, order and views.", lower_bound=0)
flags.DEFINE_bool(
    "deterministic", False, "Use deterministic operations only; slower on GPUs."
)
flags.DEFINE_integer(
    "knn_every",
    1,
    "Epochs between measurements of kNN accuracy, for data with labels; 0: never.",
    lower_bound=0,
)
flags.DEFINE_bool(
    "stop_unhealthy", True, "Stop when the loss is not finite or features collapse."
)
flags.DEFINE_bool("report", True, "Write report.html at the end.")


def main():
    # Imported here so that --help answers at once.
    from tfssl import training
    from tfssl.training import devices

    precision = devices.set_up(
        FLAGS.precision, FLAGS.virtual_devices, FLAGS.seed, FLAGS.deterministic
    )
    train = common.load_data("train")
    test = load_test(train)
    recipe = chosen_recipe(train)
    strategy = devices.strategy(FLAGS.strategy)
    with devices.scope(strategy):
        model = make_model(recipe, train)
        model.compile(recipe.make_optimizer(len(train.images), recipe.epochs))
    # A refused argument leaves no folder behind.
    run = training.Workdir(
        FLAGS.workdir,
        {
            **common.flag_values(common, sys.modules[__name__]),
            **dataclasses.asdict(recipe),
            "precision": precision,
            "image_size": train.images.shape[1],
            "images": len(train.images),
        },
    )
    epoch = run.restore(model)
    if epoch:
        print(f"Continuing {FLAGS.workdir} after epoch {epoch} of {recipe.epochs}.")
    print(
        f"{FLAGS.method} of {model.encoder.name} ({model.encoder.count_params():,} "
        f"weights) on {len(train.images):,} images of {train.name}, {precision}."
    )
    chief = devices.is_chief(strategy)
    if epoch < recipe.epochs:
        model.fit(
            train.images,
            batch_size=recipe.batch_size,
            epochs=recipe.epochs,
            initial_epoch=epoch,
            callbacks=watchers(train, test) + (run.callbacks(epoch) if chief else []),
            verbose=1 if sys.stdout.isatty() else 2,
        )
    elif epoch:
        # As at the end of `fit`, for optimizers that average the weights.
        model.optimizer.finalize_variable_values(model.trainable_variables)
    if chief:
        finish(run, model, train, test)


def load_test(train):
    """The test split if both have labels, for kNN and the report; else None."""
    if train.labels is None:
        return None
    try:
        test = common.load_data("test")
    except ValueError as error:
        print(f"No kNN and no map of test images: {error}")
        return None
    return test if test.labels is not None else None


def chosen_recipe(train):
    """The preset's recipe, with what the flags say instead."""
    from tfssl import methods

    preset = FLAGS.preset
    if preset == "auto" and FLAGS.dataset == "digits":
        preset = "digits"
    recipe = methods.recipe(FLAGS.method, train.images.shape[1], preset)
    changes = {
        name: FLAGS[name].value
        for name in vars(recipe)
        if name in FLAGS and FLAGS[name].value is not None
    }
    if changes.get("optimizer", recipe.optimizer) != recipe.optimizer:
        missing = {"learning_rate", "weight_decay"} - set(changes)
        if missing:
            raise app.UsageError(
                f"--optimizer={FLAGS.optimizer} is not the preset's; set "
                + " and ".join(f"--{name}" for name in sorted(missing))
                + " with it."
            )
        changes["optimizer_arguments"] = {}
    if "warmup_epochs" in changes:
        # Instead of a paper's steps.
        changes["falls"] = None
    method = methods.METHODS[FLAGS.method]
    if changes.get("encoder", recipe.encoder) != recipe.encoder:
        # Those of the recipe's network do not fit another.
        changes["encoder_arguments"] = {
            name: value
            for name, value in recipe.encoder_arguments.items()
            if name in settings.defaults(method.make_encoder)
        }
    recipe = dataclasses.replace(recipe, **changes)
    if recipe.batch_size > len(train.images):
        raise app.UsageError(
            f"A batch of {recipe.batch_size} is more than the {len(train.images)} "
            f"images of {train.name}. Set a smaller --batch_size."
        )
    return with_settings(recipe, method)


def with_settings(recipe, method):
    """The recipe with what --set says of the method, its views and its encoder."""
    from tfssl import encoders

    of_encoder = {
        **settings.defaults(method.make_encoder),
        **settings.defaults(getattr(encoders, recipe.encoder)),
    }
    for fixed in ("width", "stem", "channels"):
        # By flags of their own, or by the method.
        of_encoder.pop(fixed, None)
    parts = {
        "method": (dict(recipe.arguments), settings.defaults(method.__init__)),
        "views": (
            dict(recipe.views),
            settings.defaults(views_class(method, recipe).__init__),
        ),
        "encoder": (dict(recipe.encoder_arguments), of_encoder),
    }
    for setting in FLAGS.set:
        target, equals, _ = setting.partition("=")
        chosen, _, name = target.rpartition(".")
        places = [
            part
            for part, (_, known) in parts.items()
            if name in known and chosen in ("", part)
        ]
        if not equals or not places:
            choices = "; ".join(
                f"the {part}: {', '.join(known)}" for part, (_, known) in parts.items()
            )
            raise app.UsageError(
                f"--set takes NAME=VALUE. Received: {setting!r}. Names of {choices}."
            )
        values, known = parts[places[0]]
        values[name] = settings.value_of(setting, known[name])
    arguments, views, encoder_arguments = (values for values, _ in parts.values())
    return dataclasses.replace(
        recipe, arguments=arguments, views=views, encoder_arguments=encoder_arguments
    )


def views_class(method, recipe):
    from tfssl import views

    return (
        getattr(views, recipe.views_class) if recipe.views_class else method.views_class
    )


def make_model(recipe, train):
    """The method with its encoder and views."""
    from tfssl import methods

    image_size = train.images.shape[1]
    method = methods.METHODS[FLAGS.method]
    encoder = made(
        method.make_encoder,
        recipe.encoder_arguments,
        recipe.encoder,
        image_size,
        width=recipe.encoder_width,
        stem=FLAGS.stem,
    )
    views = made(views_class(method, recipe), recipe.views, image_size)
    arguments = dict(recipe.arguments)
    if "images" in settings.defaults(method.__init__):
        # Of a memory with a row for each.
        arguments.setdefault("images", len(train.images))
    return made(method, arguments, encoder, views=views, seed=FLAGS.seed)


def made(make, arguments, *args, **kwargs):
    """A part of the model; what --set gave it is named if it does not fit."""
    try:
        return make(*args, **kwargs, **arguments)
    except (AttributeError, IndexError, TypeError) as error:
        given = [
            f"--set={setting}"
            for setting in FLAGS.set
            if setting.partition("=")[0].rpartition(".")[2] in arguments
        ]
        if not given:
            raise
        raise ValueError(f"{' '.join(given)} does not fit: {error}") from error


def watchers(train, test):
    """Callbacks that measure and guard the run."""
    from tfssl import training, transfer

    callbacks = [training.HealthCheck(stop=FLAGS.stop_unhealthy)]
    if test is not None and FLAGS.knn_every:
        callbacks.append(
            transfer.KNNCallback(
                train=(train.images, train.labels),
                test=(test.images, test.labels),
                k=min(200, len(train.images)),
                every=FLAGS.knn_every,
            )
        )
    return callbacks


def finish(run, model, train, test):
    """Saves what the run was for: encoder, projector, report."""
    import keras

    from tfssl.encoders import in_float32

    # Whoever loads them may have a processor without bfloat16.
    run.save_model(in_float32(model.encoder), "encoder")
    if isinstance(getattr(model, "projector", None), keras.Model):
        run.save_model(in_float32(model.projector), "projector")
    run.record(finished=True)
    print(f"Saved {run.path / 'encoder.keras'}")
    if FLAGS.report:
        common.report_run(run, model, train, test)
        print(f"Look at {run.path / 'report.html'}")


if __name__ == "__main__":
    common.run(main)

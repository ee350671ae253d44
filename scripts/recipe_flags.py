"""Flags that say which method is trained, on what network and how."""

import common
from absl import flags

FLAGS = flags.FLAGS
# Those that a recipe has a field for.
_FIELDS = (
    "encoder",
    "encoder_width",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "warmup_epochs",
    "chunk",
    "accumulate",
)
# Those that say what --init says.
_OF_THE_NETWORK = ("encoder", "encoder_width", "stem", "view_size")


def define_recipe_flags():
    """Defines the flags of a recipe."""
    flags.DEFINE_enum(
        "method", "simclr", list(common.REGISTRY.METHODS), "What to learn by."
    )
    flags.DEFINE_enum(
        "preset",
        "auto",
        ["auto", "digits", "cifar", "photos", "paper"],
        "Where what is not set below comes from: digits, a minute or two for "
        "handwritten digits; cifar, tuned for images up to 64 pixels; photos, by the "
        "number of images and the device; paper; auto: digits for digits, cifar for "
        "tfds:NAME up to 64 pixels, photos for all others.",
    )
    flags.DEFINE_multi_string(
        "set",
        [],
        "An argument of the method, of its views or of the encoder as NAME=VALUE, for "
        "example --set=temperature=0.5 --set=blur=false --set=norm=layer. If they "
        "share a name the first of them gets it; encoder.NAME is the encoder's. May be "
        "repeated.",
    )
    flags.DEFINE_integer(
        "view_size",
        None,
        "Height and width of the views and of the encoder's images, in pixels. "
        "Default: that of the stored images, --image_size; for photos at most 64 on a "
        "CPU and 224 on a GPU.",
        lower_bound=4,
        upper_bound=common.LARGEST_SIDE,
    )
    flags.DEFINE_enum(
        "encoder",
        None,
        list(common.REGISTRY.ENCODERS),
        "The network. Default: the preset's.",
    )
    flags.DEFINE_string(
        "init",
        None,
        "Weights to go on from: the encoder.keras of a run, or zoo:NAME. It takes the "
        "place of --encoder, and the views have its image size.",
    )
    flags.DEFINE_integer(
        "encoder_width",
        None,
        "Channels of the network's first stage, 64 in a full-size ResNet, or of the "
        "tokens of a transformer. Default: the preset's.",
        lower_bound=1,
        upper_bound=common.LARGEST_WIDTH,
    )
    flags.DEFINE_enum(
        "stem",
        "auto",
        ["auto", *common.REGISTRY.STEMS],
        "First layers of a ResNet: small keeps the resolution, imagenet divides it by "
        "four. auto: small for images up to 64 pixels, and CPC's patches up to 32.",
    )
    flags.DEFINE_integer(
        "epochs",
        None,
        "Passes over the images; 0 saves the untrained encoder, to compare with. "
        "Default: the preset's.",
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
        "Default: the preset's. With another optimizer than the preset's, set the "
        "learning rate and the weight decay too.",
    )
    flags.DEFINE_float(
        "learning_rate",
        None,
        "Peak learning rate for 256 images a step; it grows linearly with the batch "
        "for lars and sgd, and with its square root for adamw and the papers' presets "
        "of simclr. Default: the preset's.",
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
    flags.DEFINE_integer(
        "chunk",
        None,
        "Rows that go through the encoder at a time, on each device, for a batch whose "
        "activations memory does not hold; the loss is that of the whole batch. The "
        "encoder's batch statistics are those of each chunk. Default: all at once.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "accumulate",
        None,
        "Parts of a batch that are computed one after the other in a step, for methods "
        "whose loss looks at each image by itself, such as mae. Default: all at once.",
        lower_bound=1,
    )
    common.define_few_label_flags(" With --method=joint; default: all have one.")


def precision():
    """What --precision says; encoders that were saved compute in float32."""
    if FLAGS.init is None:
        return FLAGS.precision
    if FLAGS.precision not in ("auto", "float32"):
        raise flags.Error(
            "An encoder that was saved computes in float32: leave out "
            f"--precision={FLAGS.precision}, or --init."
        )
    return "float32"


def initial_encoder():
    """The encoder of --init, or None."""
    if FLAGS.init is None:
        return None
    given = [f for f in _OF_THE_NETWORK if FLAGS[f].value != FLAGS[f].default]
    if given:
        raise flags.Error(f"--init brings its network: leave out --{given[0]}.")
    return common.load_encoder(FLAGS.init)


def chosen_recipe(train, encoder=None):
    """The preset's recipe, with what the flags say instead.

    Args:
        train: `tfssl.data.ImageData`.
        encoder: `keras.Model` to go on from, or None.
    """
    from tfssl import methods

    stored = train.images.shape[1]
    preset = FLAGS.preset
    if preset == "auto":
        preset = _preset_for(FLAGS.dataset, stored)
    if encoder is not None:
        size = encoder.input_shape[1]
    elif preset == "photos":
        size = methods.view_size(stored)
    else:
        size = stored
    recipe = methods.recipe(
        FLAGS.method, FLAGS.view_size or size, preset, num_images=len(train)
    )
    changes = {name: FLAGS[name].value for name in _FIELDS}
    recipe = recipe.replace(
        **{name: value for name, value in changes.items() if value is not None}
    )
    stem = [] if FLAGS.stem == "auto" else [f"stem={FLAGS.stem}"]
    recipe = recipe.set(*stem, *FLAGS.set)
    if recipe.method_class.needs_labels:
        train.require_labels()
        count = len(train.class_names or ()) or int(train.labels.max()) + 1
        classes = {"num_classes": count, **recipe.arguments}
        recipe = recipe.replace(arguments=classes)
    return recipe


def known_labels(train, method):
    """The labels that a method gets, -1 for images without; None if it needs none.

    Args:
        train: `tfssl.data.ImageData`.
        method: class of the method.
    """
    import numpy as np

    from tfssl import transfer

    asked = {
        name: FLAGS[name].value
        for name in ("labels_per_class", "label_fraction")
        if FLAGS[name].value is not None
    }
    if not method.needs_labels:
        if asked:
            raise flags.Error(
                f"--{next(iter(asked))} is for methods that learn from labels: "
                f"--method=joint. Received: --method={FLAGS.method}"
            )
        return None
    if not asked:
        return train.labels
    rows = transfer.few_label_indices(train.labels, **asked, seed=FLAGS.seed)
    known = np.full(len(train), -1)
    known[rows] = train.labels[rows]
    return known


def _preset_for(dataset, size):
    """The preset of a data set with images of this size."""
    from tfssl.views import SMALL_IMAGE

    if dataset == "digits":
        return "digits"
    if dataset.startswith("tfds:") and size <= SMALL_IMAGE:
        return "cifar"
    return "photos"

"""What the programs share: the flags of the data and of encoders, and loading them."""

import importlib.util
import os

from absl import app, flags

FLAGS = flags.FLAGS
# Of images, in pixels.
LARGEST_SIDE = 8192
# Of a network, in channels.
LARGEST_WIDTH = 16384
# Flags that divide the training images.
FRACTIONS = ("test_fraction", "hold_out")


def _registry():
    """Names of methods and encoders, without importing all of tfssl for --help."""
    package = importlib.util.find_spec("tfssl").submodule_search_locations[0]
    path = os.path.join(package, "registry.py")
    spec = importlib.util.spec_from_file_location("registry", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REGISTRY = _registry()


def define_data_flags(required=True):
    """Defines the flags that name a data set, which must be named if it is required."""
    flags.DEFINE_string(
        "dataset",
        None,
        "Images: digits (handwritten digits, nothing to download), tfds:NAME (any "
        "image classification set of tensorflow-datasets), folder:DIR (JPEG, PNG, BMP, "
        "GIF, WebP, TIFF, AVIF and, with pillow-heif installed, HEIC; one subfolder a "
        "class, or --labels, or no classes), npz:FILE (x_train[, y_train, x_test, "
        "y_test]).",
        required=required,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared tensorflow-datasets. Default: theirs."
    )
    flags.DEFINE_integer(
        "image_size",
        None,
        "Height and width that images are brought to, in pixels. Default: the size "
        "they have, 16 for digits, 256 for images of many sizes.",
        lower_bound=4,
        upper_bound=LARGEST_SIDE,
    )
    flags.DEFINE_float(
        "max_corrupt",
        0.01,
        "Fraction of unreadable files above which a folder is refused; up to it they "
        "are named and skipped.",
        lower_bound=0,
        upper_bound=1,
    )
    flags.DEFINE_enum(
        "stream",
        "auto",
        ["auto", "true", "false"],
        "Whether the images of folder:DIR or tfds:NAME (prepared as array_record) are "
        "decoded whenever they are needed, instead of all at the start. auto: if the "
        "decoded images of the split would take more than 17,179,869,184 bytes (16 "
        "GiB). The images and their order are the same.",
    )
    flags.DEFINE_string(
        "labels",
        None,
        "CSV file with the columns file,label: the classes of folder:DIR's images. "
        "Files are relative to DIR, or names alone. Images that are not in it are "
        "learned from without a label, and left out where only labels count.",
    )
    flags.DEFINE_float(
        "test_fraction",
        None,
        "Of a set that has no test split, the fraction of each class that becomes one. "
        "They are the same for all scripts and all --seed, as long as the images and "
        "--labels are.",
    )
    flags.DEFINE_float(
        "hold_out",
        None,
        "Fraction of the training images of each class that training does not see, and "
        "that take the place of the test images. Choose settings by them, and look at "
        "the test images once.",
    )
    for name in FRACTIONS:
        flags.register_validator(
            name,
            lambda fraction: fraction is None or 0 < fraction < 1,
            "must be between 0 and 1, without both",
        )
    flags.mark_flags_as_mutual_exclusive(FRACTIONS)


def are_counts(values, minimum=1):
    """Whether strings are whole numbers from a minimum, of at most nine digits."""
    return all(v.isdecimal() and len(v) < 10 and int(v) >= minimum for v in values)


def define_few_label_flags(when=""):
    """Defines the flags that say how many labels there are.

    Args:
        when: string, what to say of when they count.
    """
    flags.DEFINE_integer(
        "labels_per_class", None, f"Labelled images of each class.{when}", lower_bound=1
    )
    flags.DEFINE_float("label_fraction", None, "Or: the fraction of labelled images.")
    flags.register_validator(
        "label_fraction",
        lambda fraction: fraction is None or 0 < fraction <= 1,
        "must be above 0 and at most 1",
    )


def define_device_flags():
    """Defines the flags that say what computes, and how exactly."""
    flags.DEFINE_enum(
        "precision",
        "auto",
        ["auto", "float32", "mixed_bfloat16", "mixed_float16"],
        "Arithmetic of the network; losses and statistics are always float32. auto: "
        "mixed_bfloat16 where the processor or GPU computes in bfloat16, else float32. "
        "mixed_float16, with a scaled loss, is for GPUs that have no bfloat16.",
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
        upper_bound=64,
    )
    flags.DEFINE_integer("seed", 0, "Seed of weights, order and views.", lower_bound=0)
    flags.DEFINE_bool(
        "deterministic", False, "Use deterministic operations only; slower on GPUs."
    )


def without_folder(dataset):
    """folder:DIR and npz:FILE without the path, which is nobody's business."""
    kind, _, place = (dataset or "").partition(":")
    if kind not in ("folder", "npz"):
        return dataset
    return f"{kind}:{os.path.basename(os.path.normpath(place))}"


def load_data(split, image_size=None, unlabelled="keep"):
    """A split of the data set that the flags name.

    Args:
        split: string.
        image_size: int, where no flag says one. Defaults to that of the set.
        unlabelled: what becomes of images that are not in the table of labels, if there
            is one: see `tfssl.data.load`. Defaults to "keep".

    Returns:
        `tfssl.data.ImageData`.
    """
    from tfssl import data
    from tfssl.runs.record import STREAM

    return data.load(
        FLAGS.dataset,
        split,
        image_size=FLAGS.image_size or image_size,
        data_dir=FLAGS.data_dir,
        max_corrupt=FLAGS.max_corrupt,
        labels=FLAGS.labels,
        unlabelled="refuse" if FLAGS.labels is None else unlabelled,
        # Of the same seed always: what one script learns the labels of, no other may
        # test on.
        test_fraction=FLAGS.test_fraction,
        hold_out=FLAGS.hold_out,
        stream=STREAM[FLAGS.stream],
    )


def load_labelled(image_size=None, keep_unlabelled=False):
    """Train and test split, with labels.

    Args:
        image_size: as `load_data`.
        keep_unlabelled: bool, whether training images without a label are there too,
            with the label -1.

    Returns:
        Tuple of two `tfssl.data.ImageData`.
    """
    from tfssl.transfer.labels import check_labels

    train = load_data("train", image_size, "keep" if keep_unlabelled else "leave_out")
    train.require_labels()
    test = load_data("test", image_size, "leave_out").labelled()
    if not keep_unlabelled:
        train = train.labelled()
    for part in (train, test):
        known = part.labels[part.labels >= 0]
        check_labels(known, len(known), f"Labels of {part.split}")
    return train, test


def load_test(image_size=None):
    """The test images with a label; None, and why, if there are none.

    Args:
        image_size: as `load_data`.

    Returns:
        Tuple of `tfssl.data.ImageData` or None, and a string.
    """
    from tfssl import data

    try:
        test = load_data("test", image_size, "leave_out").labelled()
    except data.CorruptImagesError:
        # There is one, and it is not to be passed over.
        raise
    except ValueError as error:
        return None, str(error)
    return test, ""


def measured_with():
    """Which features of which images, for the settings of a result: a dict."""
    names = (*FRACTIONS, "layer", "pool", "head_layer")
    # 0 layers of the head are none.
    return {name: FLAGS[name].value for name in names if FLAGS[name].value}


def define_encoder_flags(pixels=""):
    """Defines the flags that name a pretrained encoder.

    Args:
        pixels: string, what to say of pixels in the place of an encoder.
    """
    flags.DEFINE_string(
        "encoder",
        None,
        f"The encoder.keras of a run, or zoo:NAME.{pixels}",
        required=True,
    )
    flags.DEFINE_integer(
        "head_layer",
        0,
        "Layers of the projector to keep on top of the encoder; for SimCLR v2, 1 suits "
        "few labels. The projector.keras beside the encoder is read.",
        lower_bound=0,
    )


def define_feature_flags():
    """Defines the flags that choose the features of an encoder."""
    flags.DEFINE_list(
        "layer",
        None,
        "Layers of the encoder to measure, for example conv of dim_cnn. Of several, "
        "each one's features are brought to length 1 and put side by side. Default: "
        "its features.",
    )
    flags.DEFINE_enum(
        "pool",
        None,
        ["mean", "max", "grid2"],
        "What becomes of layers that give maps: the mean or the largest over all "
        "places, or the means of 2 x 2 cells. Default: they are flattened.",
    )


def load_features():
    """What the flags name: an encoder that gives the features, and labelled data.

    Returns:
        Tuple of a `keras.Model` from images to features, the train and the test split.
    """
    from tfssl import transfer

    chosen = FLAGS.layer or FLAGS.pool
    if FLAGS.layer and FLAGS.head_layer:
        raise app.UsageError("Set one of --layer and --head_layer.")
    if FLAGS.encoder == "pixels":
        if chosen or FLAGS.head_layer:
            raise app.UsageError("Pixels have no layers, and no maps to pool.")
        train, test = load_labelled()
        return transfer.pixels(train.images.shape[1:3]), train, test
    encoder = load_encoder(FLAGS.encoder, FLAGS.head_layer)
    if chosen:
        encoder = transfer.feature_model(encoder, FLAGS.layer, FLAGS.pool)
    return encoder, *load_labelled(encoder.input_shape[1])


def load_encoder(source, head_layer=0):
    """An encoder from a file of a run, or `zoo:NAME`; with layers of its projector."""
    from tfssl import transfer, zoo

    if source.startswith("zoo:"):
        name = source.removeprefix("zoo:")
        encoder = zoo.load(name)
        if head_layer:
            projector = zoo.load_projector(name)
    else:
        encoder = load_model(source)
        if head_layer:
            beside = os.path.join(os.path.dirname(source), "projector.keras")
            if not os.path.exists(beside):
                raise FileNotFoundError(
                    f"There is no file {beside!r} for --head_layer={head_layer}. Some "
                    "methods keep no projector; leave out --head_layer."
                )
            projector = load_model(beside)
    if head_layer:
        encoder = transfer.with_head(encoder, projector, head_layer)
    return encoder


def make_folder_of(path):
    """Makes the folder of a file that is written when the work is done."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)


def save_classifier(classifier, path, test, reason):
    """Saves a classifier and says how good it is.

    Args:
        classifier: `tfssl.transfer.ImageClassifier`.
        path: where to, a name in .keras.
        test: `tfssl.data.ImageData` with labels, or None.
        reason: string, why there is none.
    """
    import numpy as np

    from tfssl import files, transfer

    files.save_model(classifier, path)
    print(f"Saved {path}: {len(classifier.class_names)} classes")
    if test is None:
        print(f"Not measured: {reason}")
        return
    predicted = transfer.predict(classifier, test.images).argmax(axis=1)
    accuracy = float(np.mean(predicted == test.labels))
    print(f"Accuracy on {len(test):,} test images: {accuracy:.4f}")


def refresh_report(output):
    """Writes the report of a run again, if the results lie in its folder."""
    from tfssl import runs

    folder = os.path.dirname(output or "")
    if output and os.path.exists(os.path.join(folder, "run.json")):
        run = runs.Workdir.read(folder)
        measured = os.path.basename(output) in runs.RESULTS
        if measured and run.info.get("finished") and runs.is_pretraining(run):
            try:
                path = runs.write_run_report(
                    run, runs.model_of(run), *runs.data_of(run, FLAGS.data_dir)
                )
            except (OSError, ValueError) as error:
                # What was measured is written; the run's images may be gone by now.
                print(f"The report is as it was: {error}")
            else:
                print(f"Look at {path}")


def load_model(path):
    import keras

    if not os.path.exists(path):
        raise FileNotFoundError(
            f"There is no file {path!r}. Give the encoder.keras of a run's workdir, or "
            "zoo:NAME."
        )
    if os.path.isdir(path):
        raise ValueError(
            f"{path!r} is a folder. Give its encoder: "
            f"{os.path.join(path, 'encoder.keras')}"
        )
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def flag_values(*modules):
    """Values of the flags that these modules define."""
    values = {}
    for module in modules:
        for flag in FLAGS.get_flags_for_module(module):
            values[flag.name] = flag.value
    return values

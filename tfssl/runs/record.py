"""What a run is made from, as run.json keeps it, and back again."""

import keras

from tfssl import data, methods

# Where a recipe's image size, that of the views, is kept: images are stored at another.
_VIEW_SIZE = "view_size"
# What --stream says, for `tfssl.data.load`.
STREAM = {"auto": "auto", "true": True, "false": False}


def settings(recipe, images, **others):
    """The settings of a run.

    Args:
        recipe: `tfssl.methods.Recipe`.
        images: `tfssl.data.ImageData` that it is trained on.
        **others: plain values, such as the name of the data set.

    Returns:
        Dict of plain values for `tfssl.runs.Workdir`.
    """
    return {
        **others,
        **recipe.to_dict(),
        _VIEW_SIZE: recipe.image_size,
        "image_size": images.images.shape[1],
        "num_images": len(images),
    }


def is_pretraining(run):
    """Whether a run is of `tfssl pretrain`, and not of `tfssl distill`."""
    return _VIEW_SIZE in run.info["settings"]


def model_of(run):
    """The model of a finished run: its newest checkpoint, with the encoder it saved.

    Args:
        run: `tfssl.runs.Workdir`.

    Returns:
        Compiled `tfssl.methods.Method`.

    Raises:
        ValueError: if the run is none of `tfssl pretrain`.
    """
    saved = run.info["settings"]
    if not is_pretraining(run):
        raise ValueError(
            f"{run.path} holds no run of tfssl pretrain. Received: one whose method is "
            f"{saved.get('method')}"
        )
    recipe = methods.Recipe.from_dict({**saved, "image_size": saved[_VIEW_SIZE]})
    encoder = keras.saving.load_model(run.path / "encoder.keras", compile=False)
    # Of an optimizer that averages the weights, the averages.
    finished = encoder.get_weights()
    model = recipe.make(saved["num_images"], seed=saved.get("seed", 0), encoder=encoder)
    run.restore(model)
    model.published_encoder.set_weights(finished)
    return model


def data_of(run, data_dir=None):
    """The images of a run.

    Args:
        run: `tfssl.runs.Workdir`.
        data_dir: string, folder of prepared tensorflow-datasets. Defaults to the run's.

    Returns:
        Tuple of the training images and, if both have labels, the test images, else
        None: `tfssl.data.ImageData`.
    """
    saved = run.info["settings"]
    options = {
        "image_size": saved["image_size"],
        "data_dir": data_dir or saved.get("data_dir"),
        "max_corrupt": saved.get("max_corrupt", 0.01),
        "labels": saved.get("labels"),
        "test_fraction": saved.get("test_fraction"),
        "hold_out": saved.get("hold_out"),
        # The same images, of which a report shows some: the others are not decoded.
        "stream": saved["dataset"].startswith("folder:")
        or STREAM[saved.get("stream", "false")],
    }
    table = options["labels"] is not None
    kept, left_out = ("keep", "leave_out") if table else ("refuse", "refuse")
    train = data.load(saved["dataset"], "train", unlabelled=kept, **options)
    try:
        test = data.load(saved["dataset"], "test", unlabelled=left_out, **options)
    except ValueError:
        # A set without a test split.
        test = None
    if test is None or train.labels is None or test.labels is None:
        return train, None
    return train, test

"""The recipes of a method by the name of a preset."""

import dataclasses
import inspect

from tfssl import methods, views
from tfssl.methods.photos import for_photos
from tfssl.methods.recipes import Recipe

PRESETS = ("digits", "cifar", "photos", "paper")


def digits(**changes):
    """What works for handwritten digits in a minute or two on a CPU: a `Recipe`."""
    recipe = Recipe(
        views_class="DigitViews",
        encoder="dim_cnn",
        encoder_width=32,
        epochs=60,
        weight_decay=1e-4,
        batch_size=128,
    )
    return dataclasses.replace(recipe, **changes)


def recipe(method, image_size, preset="auto", num_images=None):
    """The recipe of a method.

    Args:
        method: name of the method, as in `tfssl.methods.METHODS`.
        image_size: int, height and width of views and encoder in pixels.
        preset: "digits", a small network and views that fit handwritten digits;
            "cifar", tuned for images up to 64 pixels; "photos", for images of your own,
            by their number and the device (see `tfssl.methods.photos`); "paper"; or
            "auto": photos if `num_images` is given, else cifar or paper by the image
            size.
        num_images: int, images of the training set, which photos needs. Defaults to
            None.

    Returns:
        `Recipe`. Its network is one that fits the image size.

    Raises:
        ValueError: for an unknown method or preset, or photos without their number.

    Example:
        >>> import tfssl
        >>> recipe = tfssl.methods.recipe("simclr", image_size=96, num_images=1000)
        >>> recipe.preset, recipe.batch_size
        ('photos', 32)

    Source: section "Hyper-parameters" of each paper; the small-image numbers are ours.
    """
    presets = inspect.getmodule(methods.method_class(method)).RECIPES[method]
    if preset not in ("auto", *PRESETS):
        raise ValueError(
            f"preset must be auto or one of {PRESETS}. Received: {preset!r}"
        )
    chosen = preset
    if preset == "auto" and num_images is not None:
        chosen = "photos"
    elif preset == "auto":
        chosen = "cifar" if image_size <= views.SMALL_IMAGE else "paper"
    found = presets.get(chosen, presets["cifar"])
    found = dataclasses.replace(
        found, method=method, preset=chosen, image_size=image_size
    )
    if preset != chosen or chosen == "photos":
        if found.fits and not found.fits(image_size):
            found = found.replace(**found.elsewhere)
    if chosen == "photos":
        if num_images is None:
            raise ValueError(
                "Preset photos goes by the number of photos. Give num_images. "
                "Received: num_images=None"
            )
        found = for_photos(found, num_images)
    return found

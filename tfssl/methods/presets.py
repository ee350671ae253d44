"""The recipes of a method by the name of a preset."""

import dataclasses
import inspect

from tfssl import methods, views
from tfssl.methods.recipes import Recipe

PRESETS = ("digits", "cifar", "paper")


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


def recipe(method, image_size, preset="auto"):
    """The recipe of a method.

    Args:
        method: name of the method, as in `tfssl.methods.METHODS`.
        image_size: int, height and width of views and encoder in pixels.
        preset: "digits", a small network and views that fit handwritten digits;
            "cifar", tuned for images up to 64 pixels; "paper"; or "auto", which chooses
            cifar or paper by the image size, and a network that fits it.

    Returns:
        `Recipe`.

    Raises:
        ValueError: for an unknown method or preset.

    Source: section "Hyper-parameters" of each paper; the small-image numbers are ours.
    """
    presets = inspect.getmodule(methods.method_class(method)).RECIPES[method]
    if preset not in ("auto", *PRESETS):
        raise ValueError(
            f"preset must be auto or one of {PRESETS}. Received: {preset!r}"
        )
    chosen = preset
    if preset == "auto":
        chosen = "cifar" if image_size <= views.SMALL_IMAGE else "paper"
    found = dataclasses.replace(
        presets[chosen], method=method, preset=chosen, image_size=image_size
    )
    if preset == "auto" and found.fits and not found.fits(image_size):
        found = dataclasses.replace(found, **found.elsewhere)
    return found

"""The recipe for one's own photos: chosen by how many there are, and by the device."""

import math

import keras

from tfssl import encoders
from tfssl.methods.settings import arguments_of

# An epoch has at least so many steps where the batch can be made small enough.
STEPS_AN_EPOCH = 30
# Views and images of the encoder, in pixels; above `small` pixels a ResNet begins by
# dividing the resolution by four; the width of the network as a fraction of its own;
# images shown to it. All by the device.
_ON_A_CPU = {"size": 64, "small": 32, "width": 1 / 4, "passes": 27_000}
_ON_A_GPU = {"size": 224, "small": 64, "width": 1, "passes": 20_000_000}


def has_accelerator():
    """Whether the backend has another device than the CPU."""
    devices = keras.distribution.list_devices()
    return any(not device.lower().startswith("cpu") for device in devices)


def view_size(stored):
    """Height and width of the views of photos, in pixels.

    Args:
        stored: int, height and width at which the photos are stored.

    Returns:
        Int: as stored, up to 64 pixels on a CPU and 224 on an accelerator.

    Example:
        >>> from tfssl.methods.photos import view_size
        >>> view_size(48)
        48
    """
    return min(stored, _device()["size"])


def for_photos(recipe, num_images):
    """A recipe made to suit a number of photos.

    - The batch is the largest power of two that leaves 30 steps an epoch, from 16 to
      256; below 480 photos there are fewer steps.
    - The network has the width for the device, and the encoder size of `view_size`.
      For images above 32 pixels on a CPU, 64 on an accelerator, a residual network
      begins with the stem of ImageNet.
    - The epochs show the network 27,000 images on a CPU, and 20 million on an
      accelerator; from 4 to 400.
    - The warm-up is a tenth of the run, one epoch at the most.
    - A queue holds at most half of the photos.

    Args:
        recipe: `Recipe`, for small images.
        num_images: int, photos of the training set.

    Returns:
        `Recipe`.
    """
    device = _device()
    fitting = max(num_images // STEPS_AN_EPOCH, 1)
    batch_size = min(max(2 ** int(math.log2(fitting)), 16), 256, num_images)
    epochs = min(max(round(device["passes"] / num_images), 4), 400)
    width = recipe.own_width
    arguments = dict(recipe.arguments)
    if "queue_size" in arguments:
        batches = max(num_images // 2 // batch_size, 1)
        arguments["queue_size"] = min(arguments["queue_size"], batches * batch_size)
    of_encoder = dict(recipe.encoder_arguments)
    plain = recipe.make_encoder is encoders.encoder
    if plain and "stem" in arguments_of(getattr(encoders, recipe.encoder)):
        stem = "imagenet" if recipe.image_size > device["small"] else "small"
        of_encoder.setdefault("stem", stem)
    return recipe.replace(
        arguments=arguments,
        encoder_arguments=of_encoder,
        encoder_width=min(
            recipe.encoder_width or width, round(device["width"] * width)
        ),
        batch_size=batch_size,
        epochs=epochs,
        warmup_epochs=min(1.0, epochs / 10),
        measured="",
    )


def _device():
    return _ON_A_GPU if has_accelerator() else _ON_A_CPU

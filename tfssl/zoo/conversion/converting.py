"""A checkpoint of another library becomes an encoder."""

import dataclasses
import difflib
from os import PathLike

import keras
import numpy as np

from tfssl import encoders
from tfssl.encoders.precision import float32_policy
from tfssl.zoo.checkpoints import read_checkpoint
from tfssl.zoo.conversion import resnet_weights, vit_weights
from tfssl.zoo.conversion.layouts import encoder_arrays, listed
from tfssl.zoo.conversion.schemes import SCHEMES
from tfssl.zoo.errors import FormatError

# Network of a scheme: what it is made by, how its arguments and names are found.
_NETWORKS = {
    "torchvision": (
        encoders.resnet,
        resnet_weights.torchvision_arguments,
        resnet_weights.torchvision_sources,
    ),
    "simclr": (
        encoders.resnet,
        resnet_weights.simclr_arguments,
        resnet_weights.simclr_sources,
    ),
    "timm": (encoders.vit, vit_weights.timm_arguments, vit_weights.timm_sources),
}
# A small file shall not ask for a network that no memory holds.
_MAX_WIDTH = 8192


def convert(
    path: PathLike | str,
    scheme: str,
    *,
    at: tuple | None = None,
    prefix: str | None = None,
    inert: tuple = (),
    **options,
) -> keras.Model:
    """An encoder with the weights of a checkpoint of another library.

    Depth, width, stem, patches and image size are told by the checkpoint. Every weight
    of the encoder must be there, and nothing may be left over but what the scheme says
    is no part of it. Nothing in the file is run, see
    `tfssl.zoo.checkpoints.read_checkpoint`.

    Args:
        path: of the checkpoint: of `torch.save`, safetensors or TensorFlow.
        scheme: string, one of `tfssl.zoo.SCHEMES`: whose layout it has.
        at: tuple of keys under which the weights are, and
        prefix: string that their names begin with, for layouts that differ in these.
            Default to the scheme's.
        inert: names of Python objects that the file may have, which are passed over.
        **options: arguments of `tfssl.encoders.resnet` or `tfssl.encoders.vit` in place
            of the scheme's, such as `image_size`, `mean`, `std`, `heads` or `name`.

    Returns:
        `keras.Model` from images, pixel values in [0, 255], to features. Scaling and
        standardisation of pixels are inside.

    Raises:
        ValueError: for an unknown scheme.
        FileNotFoundError: if there is no such file.
        tfssl.zoo.FormatError: if the file cannot be read, or does not hold the weights
            of such an encoder: it lists the names that are missing and unexpected.

    Example:
        >>> import tempfile, tfssl
        >>> path = tempfile.mkdtemp() + "/weights.pth"
        >>> size = open(path, "wb").write(b"These are no weights.")
        >>> try:
        ...     tfssl.zoo.convert(path, "moco")
        ... except tfssl.zoo.FormatError as error:
        ...     print(str(error).rpartition(": ")[2][:41])
        it is no file of torch.save or safetensor
    """
    if scheme not in SCHEMES:
        near = difflib.get_close_matches(scheme, SCHEMES, n=1)
        raise ValueError(
            f"scheme must be one of {', '.join(SCHEMES)}."
            f"{f' Did you mean {near[0]}?' if near else ''} Received: {scheme!r}"
        )
    layout = SCHEMES[scheme]
    if at is not None:
        layout = dataclasses.replace(layout, at=tuple(at))
    if prefix is not None:
        layout = dataclasses.replace(layout, prefix=prefix)
    make, arguments_of, sources_of = _NETWORKS[layout.network]
    arrays, unexpected = encoder_arrays(read_checkpoint(path, inert), layout, path)
    shapes = {name: array.shape for name, array in arrays.items()}
    try:
        arguments = arguments_of(shapes)
    except KeyError as error:
        raise _wrong(path, scheme, [error.args[0]], [*arrays, *unexpected]) from error
    except (ValueError, IndexError) as error:
        raise FormatError(f"{path} does not fit {scheme}: {error}") from error
    if not 1 <= arguments["width"] <= _MAX_WIDTH:
        raise FormatError(f"{path} has a network of the width {arguments['width']}")
    with float32_policy():
        encoder = make(**{**arguments, **layout.options, **options})
    sources = sources_of([w.path for w in encoder.weights])
    needed = {name for name, _ in sources.values()}
    missing = sorted(needed - set(arrays))
    unexpected = sorted({*unexpected, *(set(arrays) - needed)})
    if missing or unexpected:
        raise _wrong(path, scheme, missing, unexpected, encoder.name)
    for weight in encoder.weights:
        name, taken = sources[weight.path]
        weight.assign(_fitting(taken, np.asarray(arrays[name]), weight, name, path))
    return encoder


def _fitting(taken, array, weight, name, path):
    """A weight of an array, or the error that says why there is none."""
    try:
        value = taken(array)
        # Heads have an axis of their own here.
        if value.ndim == len(weight.shape):
            fits = value.shape == tuple(weight.shape)
        else:
            fits = value.size == np.prod(weight.shape)
        if fits and np.isfinite(value).all():
            return value.reshape(weight.shape)
    except (ValueError, IndexError):
        pass
    raise FormatError(
        f"{name} of {path} does not fit {weight.path} with the shape "
        f"{tuple(weight.shape)}, or has numbers that are not finite. Received: an "
        f"array of shape {array.shape}"
    )


def _wrong(path, scheme, missing, unexpected, network="an encoder"):
    return FormatError(
        f"{path} does not hold the weights of {network} by the scheme {scheme}. "
        f"Missing: {listed(missing)}. Unexpected: {listed(unexpected)}. Choose "
        "another scheme or prefix, or a whole checkpoint."
    )

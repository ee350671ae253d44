"""Models in files that other programs run."""

import importlib.util
import json
import os
import shutil
from importlib import metadata
from os import PathLike
from pathlib import Path

import keras

from tfssl import files
from tfssl.encoders import as_encoder, in_float32
from tfssl.training import check_images, fit_images
from tfssl.zoo.formats import FORMATS, function_of
from tfssl.zoo.trial import largest_difference, mean_cosine, pictures, tried

QUANTIZATIONS = ("int8", "dynamic")
# Of the largest value that the model gives.
_TOLERANCE = 1e-4
# Between what a model says of an image before and after it was quantized, as a mean.
_LEAST_COSINE = 0.9
CALIBRATION_IMAGES = 200


def export(
    model: keras.Model,
    path: PathLike | str,
    format: str | None = None,
    *,
    quantize: str | None = None,
    calibration=None,
) -> dict:
    """Writes a model to a file that runs without tfssl.

    The file takes float32 images `[batch, height, width, 3]` with pixel values in
    [0, 255], and any number of them. It is run before it gets its name, and there is no
    file if it does not give what the model gives, to 1e-4 of its largest value. What it
    takes, what it gives and the names of the classes are written beside it, into
    `PATH.json`.

    Args:
        model: built `keras.Model` from images to features, a feature map or, of a
            `tfssl.transfer.ImageClassifier`, probabilities. It is not changed, and
            computes in float32 when it is exported.
        path: string or `pathlib.Path`, where to; it does not exist.
        format: "keras", a `.keras` file of Keras's own layers; "saved_model", a folder
            for TensorFlow and TensorFlow Serving; "onnx", a `.onnx` file; or "litert",
            a `.tflite` file. Defaults to what the path's ending says, and a folder for
            another ending. All but the first are written on the TensorFlow backend.
        quantize: of "litert": "int8", weights and what is computed in 8 bits;
            "dynamic", weights in 8 bits; or None. What is quantized gives something
            else than the model: measure it. It is refused where the cosine of what
            both give is below 0.9, as a mean.
        calibration: array of images `[n, height, width, 3]` like those that the model
            is for, of which "int8" takes the range of what is computed. A few hundred
            are enough. Defaults to random pictures.

    Returns:
        Dict, what is in `PATH.json`: `format`, `quantize`, `runtime`, `input` and
        `output` with their `shape` and `dtype`, `class_names`, `versions`, and either
        `largest_difference`, relative to the model's largest value, or of a quantized
        file `mean_cosine`.

    Raises:
        ValueError: for a path that exists or has another ending, another format or
            quantization, packages that are not installed, a model that is no encoder or
            classifier, and in "keras" for layers that Keras does not have.
        RuntimeError: if the file cannot be written, or gives something else.

    Example:
        >>> import tempfile, keras, tfssl
        >>> encoder = tfssl.encoders.vit(16, width=8, depth=1)
        >>> path = tempfile.mkdtemp() + "/encoder.keras"
        >>> written = tfssl.zoo.export(encoder, path)
        >>> written["input"]["shape"], written["largest_difference"] < 1e-4
        ([None, 16, 16, 3], True)
        >>> keras.saving.load_model(path).output_shape
        (None, 8)
    """
    path = Path(path)
    format = check_export(path, format, quantize)
    class_names = getattr(model, "class_names", None)
    model = in_float32(as_encoder(model))
    size = model.input_shape[1:3]
    if format == "litert" and None in size:
        raise ValueError(
            "A LiteRT file has one image size. Received: "
            f"{model.name}, for images of any size. tfssl.encoders.at_size(model, 224) "
            "is for one."
        )
    options = {"quantize": quantize} if format == "litert" else {}
    if quantize == "int8":
        options["calibration"] = _fitted(calibration, size)
    about = {
        "format": format,
        "quantize": quantize,
        "runtime": _runtime(format),
        "input": {
            "shape": [None, *size, 3],
            "dtype": "float32",
            "range": [0, 255],
        },
        "output": {"shape": list(model.output_shape), "dtype": "float32"},
        "class_names": class_names and list(class_names),
    }
    partial = files.partial_path(path)
    try:
        about.update(_written(model, partial, FORMATS[format], options))
        about["versions"] = files.versions()
        files.write_text(_beside(path), json.dumps(about, indent=1) + "\n")
        os.replace(partial, path)
    except BaseException:
        _beside(path).unlink(missing_ok=True)
        raise
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)
    return about


def check_export(path, format=None, quantize=None):
    """Refuses what `export` cannot do, before there is a model.

    Args:
        path, format, quantize: as `export`.

    Returns:
        The name of the format.

    Raises:
        ValueError: as `export`.
    """
    path = Path(path)
    if format is None:
        endings = {each.ending: name for name, each in FORMATS.items()}
        format = endings.get(path.suffix, "saved_model")
    if format not in FORMATS:
        raise ValueError(
            f"format must be one of {', '.join(FORMATS)}. Received: {format!r}"
        )
    ending = FORMATS[format].ending
    if ending and path.suffix != ending:
        raise ValueError(
            f"A file of the format {format} has a name in {ending}. Received: {path}"
        )
    if quantize not in (None, *QUANTIZATIONS):
        raise ValueError(
            f"quantize must be one of {', '.join(QUANTIZATIONS)}, or None. Received: "
            f"{quantize!r}"
        )
    if quantize and format != "litert":
        raise ValueError(
            f"Only the format litert is quantized. Received: format={format}, "
            f"quantize={quantize}"
        )
    for place in (path, _beside(path)):
        if place.exists():
            raise ValueError(f"{place} exists already. Choose another place.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent} for {path.name}.")
    missing = [
        package
        for module, package in FORMATS[format].packages.items()
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        raise ValueError(
            f"The format {format} takes packages that are not installed: "
            f"pip install {' '.join(missing)}"
        )
    if format != "keras" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"The format {format} is written with KERAS_BACKEND=tensorflow. Received: "
            f"{keras.backend.backend()}. Save the model as .keras, and load it there."
        )
    return format


def _beside(path):
    return path.with_name(f"{path.name}.json")


def _runtime(format):
    """What the file is run in here, with its version if that is known."""
    package = FORMATS[format].runtime
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:  # such as tensorflow-cpu
        return package


def _written(model, path, format, options):
    """Writes and runs a file, and says how far it is from the model."""
    # Keras exports what was called before.
    expected = [(x, function_of(model)(x)) for x in tried(model)]
    try:
        format.write(model, str(path), **options)
        run = format.run(str(path))
    except (ValueError, OSError):
        raise
    except Exception as error:  # of converters and runtimes: many types
        raise RuntimeError(
            f"{model.name} cannot be written for {format.runtime}. "
            f"{type(error).__name__}: {error}"
        ) from error
    pairs = [(run(x), y) for x, y in expected]
    if options.get("quantize"):
        cosine = min(mean_cosine(*pair) for pair in pairs)
        if not cosine >= _LEAST_COSINE:
            raise RuntimeError(
                f"The quantized {model.name} gives something else than the model: "
                f"their cosine is {cosine:.3f}. Nothing was written. Calibrate it on "
                'images like those that it is for, or take quantize="dynamic".'
            )
        return {"mean_cosine": cosine}
    difference = max(largest_difference(*pair) for pair in pairs)
    if not difference <= _TOLERANCE:
        raise RuntimeError(
            f"The exported {model.name} gives something else than the model, by up to "
            f"{difference:.2g} of its largest value. Nothing was written."
        )
    return {"largest_difference": difference}


def _fitted(calibration, size):
    """Images to calibrate on, of the model's size."""
    if calibration is None:
        return pictures(CALIBRATION_IMAGES, *size, seed=2)
    images = fit_images(check_images(calibration), size)
    return keras.ops.convert_to_numpy(images).astype("float32")

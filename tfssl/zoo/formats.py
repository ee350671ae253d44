"""The formats that a model is exported to: how a file is written, and how it is run."""

import dataclasses
import typing

import keras
import numpy as np

from tfssl.files import save_model
from tfssl.zoo import onnx_operations
from tfssl.zoo.keras_layers import in_keras_layers


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        ending: what the name of a file ends in; "" for a folder.
        runtime: the package that runs it.
        packages: dict from the modules that it takes to the packages that have them.
        write: function of a model in float32, a path and the options of the format.
        run: function of a path, which returns a function from a batch of images,
            float32, to what the file says of them.
    """

    ending: str
    runtime: str
    packages: dict
    write: typing.Callable
    run: typing.Callable


def function_of(model):
    """A function from a batch of images to what a model gives, in inference mode."""
    return lambda x: keras.ops.convert_to_numpy(model(x, training=False))


def _write_keras(model, path):
    save_model(in_keras_layers(model), path)


def _run_keras(path):
    return function_of(keras.saving.load_model(path, compile=False, safe_mode=True))


def _write_saved_model(model, path):
    model.export(path, format="tf_saved_model", verbose=False)


def _run_saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(path)

    def run(images):
        # Of `loaded`, whose variables live as long as it does: what TensorFlow Serving
        # calls.
        serve = loaded.signatures["serving_default"]
        (name,) = serve.structured_input_signature[1]
        (output,) = serve(**{name: tf.constant(images)}).values()
        return output.numpy()

    return run


def _write_onnx(model, path):
    onnx_operations.register()
    model.export(path, format="onnx", verbose=False)


def _run_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda images: session.run(None, {given.name: images})[0]


def _write_litert(model, path, quantize=None, calibration=None):
    import tensorflow as tf

    # What TensorFlow alone can run would take another runtime.
    operations = [tf.lite.OpsSet.TFLITE_BUILTINS]
    options = {}
    if quantize:
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8":
        operations.insert(0, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        options["representative_dataset"] = lambda: ([x[None]] for x in calibration)
    model.export(
        path,
        format="litert",
        verbose=False,
        target_spec={"supported_ops": operations},
        **options,
    )


def _run_litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    (given,) = interpreter.get_input_details()
    (found,) = interpreter.get_output_details()

    def run(images):
        interpreter.resize_tensor_input(given["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], images)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(found["index"]))

    return run


_TENSORFLOW = {"tensorflow": "tensorflow"}
FORMATS = {
    "keras": Format(".keras", "keras", {}, _write_keras, _run_keras),
    "saved_model": Format(
        "", "tensorflow", _TENSORFLOW, _write_saved_model, _run_saved_model
    ),
    "onnx": Format(
        ".onnx",
        "onnxruntime",
        {**_TENSORFLOW, **{x: x for x in ("onnx", "onnxruntime", "tf2onnx")}},
        _write_onnx,
        _run_onnx,
    ),
    "litert": Format(
        ".tflite",
        "ai-edge-litert",
        {**_TENSORFLOW, "ai_edge_litert": "ai-edge-litert"},
        _write_litert,
        _run_litert,
    ),
}

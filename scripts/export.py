"""Export an encoder or a classifier to run without Keras.

    tfssl export --model=runs/a/encoder.keras --output=exported
    tfssl export --model=zoo:NAME --format=onnx --output=encoder.onnx

The result takes float32 images of the model's size, with values in [0, 255]. It is run
once, and refused if it does not say what the model says.
"""

import importlib.util
import os
import shutil

import common
import running
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model", None, "A .keras file of a run, or zoo:NAME.", required=True
)
flags.DEFINE_enum(
    "format",
    "tf_saved_model",
    ["tf_saved_model", "onnx"],
    "tf_saved_model, a folder for TensorFlow Serving; onnx, one file, which takes the "
    "packages onnx, onnxruntime and tf2onnx.",
)
flags.DEFINE_string(
    "output", None, "Folder or file to write; it must not exist.", required=True
)
_NEEDED = {
    "tf_saved_model": ("tensorflow",),
    "onnx": ("onnx", "onnxruntime", "tf2onnx"),
}


def main():
    if os.path.exists(FLAGS.output):
        raise ValueError(f"{FLAGS.output} exists already. Choose another --output.")
    missing = [
        name for name in _NEEDED[FLAGS.format] if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise ValueError(
            f"--format={FLAGS.format} takes packages that are not installed: "
            f"pip install {' '.join(missing)}"
        )
    running.start("float32")
    import numpy as np

    from tfssl import files

    model = common.load_encoder(FLAGS.model)
    size = model.input_shape[1:3]
    if None in size:
        raise ValueError(
            "What is exported has one image size. Received: "
            f"{model.name} for images of any size"
        )
    images = np.random.default_rng(0).uniform(0, 255, (2, *size, 3)).astype("float32")
    partial = str(files.partial_path(FLAGS.output))
    run = {"tf_saved_model": _saved_model, "onnx": _onnx}[FLAGS.format]
    try:
        model.export(partial, format=FLAGS.format, verbose=False)
        found, expected = run(partial, images), model.predict(images, verbose=0)
        if not np.allclose(found, expected, rtol=1e-3, atol=1e-4):
            raise RuntimeError(
                "The exported model says something else than the model, by up to "
                f"{np.abs(found - expected).max():.2g}. Nothing was written."
            )
        os.replace(partial, FLAGS.output)
    finally:
        if os.path.isdir(partial):
            shutil.rmtree(partial)
        elif os.path.exists(partial):
            os.remove(partial)
    print(f"Wrote {FLAGS.output}, which says what the model says.")


def _saved_model(path, images):
    import tensorflow as tf

    # Its variables live as long as it does.
    loaded = tf.saved_model.load(path)
    return loaded.serve(images).numpy()


def _onnx(path, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())
    return session.run(None, {name: images})[0]


if __name__ == "__main__":
    running.run(main)

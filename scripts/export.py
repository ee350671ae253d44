"""Export an encoder or a classifier to run without tfssl.

    tfssl export --model=runs/a/encoder.keras --output=exported
    tfssl export --model=zoo:NAME --output=encoder.onnx
    tfssl export --model=classifier.keras --output=classifier.tflite --quantize=int8 \\
        --dataset=folder:photos

The result takes float32 images of the model's size, with values in [0, 255]. It is run
once, and refused if it does not say what the model says. OUTPUT.json tells what it
takes and gives, and the names of a classifier's classes.
"""

import common
import running
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model", None, "A .keras file of a run, or zoo:NAME.", required=True
)
flags.DEFINE_enum(
    "format",
    None,
    ["keras", "saved_model", "onnx", "litert"],
    "keras, a .keras file that loads with Keras alone; saved_model, a folder for "
    "TensorFlow Serving; onnx, a .onnx file; litert, a .tflite file. Default: what the "
    "ending of --output says, else saved_model. docs/export.md says what "
    "onnx and litert need.",
)
flags.DEFINE_string(
    "output", None, "Folder or file to write; it must not exist.", required=True
)
flags.DEFINE_enum(
    "quantize",
    None,
    ["int8", "dynamic"],
    "Of litert. int8: weights and what is computed in 8 bits, calibrated on images of "
    "--dataset, or on random pictures; dynamic: weights in 8 bits. Measure what it "
    "costs.",
)
common.define_data_flags(required=False)
# For --help.
flags.adopt_module_key_flags(common)


def main():
    if FLAGS.dataset and FLAGS.quantize != "int8":
        raise app.UsageError("--dataset is for --quantize=int8.")
    running.start("float32")
    from tfssl import zoo
    from tfssl.zoo.exporting import check_export

    check_export(FLAGS.output, FLAGS.format, FLAGS.quantize)
    model = common.load_encoder(FLAGS.model)
    about = zoo.export(
        model,
        FLAGS.output,
        FLAGS.format,
        quantize=FLAGS.quantize,
        calibration=images(model) if FLAGS.dataset else None,
    )
    if FLAGS.quantize:
        says = f"quantized; cosine with what the model says: {about['mean_cosine']:.4f}"
    else:
        says = f"which says what the model says, to {about['largest_difference']:.1g}"
    print(f"Wrote {FLAGS.output}, {says}; it was run in {about['runtime']}.")
    print(f"{FLAGS.output}.json tells what it takes and what it gives.")


def images(model):
    """Some training images, the same at each call."""
    import numpy as np

    from tfssl.zoo.exporting import CALIBRATION_IMAGES

    train = common.load_data("train", model.input_shape[1])
    order = np.random.default_rng(0).permutation(len(train))
    return np.asarray(train.images[np.sort(order[:CALIBRATION_IMAGES])])


if __name__ == "__main__":
    running.run(main)

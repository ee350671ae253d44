"""Convert a checkpoint of another library into an encoder.

    tfssl convert --from=checkpoint_0199.pth.tar --scheme=moco --output=encoder.keras

Nothing in the file is run. It may be of torch.save, safetensors, or the .index of a
TensorFlow checkpoint. Depth, width and image size are told by the file.
"""

import os

import common
import running
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("from", None, "The checkpoint.")
flags.DEFINE_string(
    "scheme",
    None,
    "Whose layout it has: torchvision, moco, swav, simclr, timm, mae, lightly, "
    "solo_learn, ...; --scheme=? lists them all.",
    required=True,
)
flags.DEFINE_string("output", None, "The .keras file to write; it must not exist.")
flags.DEFINE_list(
    "at", None, "Keys under which the weights are, one in the other. Default: scheme's."
)
flags.DEFINE_string(
    "prefix", None, "What the names of the encoder's weights begin with. Default: same."
)
flags.DEFINE_list(
    "inert",
    [],
    "Names of Python objects that the file may have, which are passed over: for "
    "example argparse.Namespace.",
)
flags.DEFINE_integer(
    "image_size",
    None,
    "Height and width of the images, in pixels. Default: 224; a vision transformer has "
    "its own.",
    lower_bound=4,
    upper_bound=common.LARGEST_SIDE,
)


def main():
    if FLAGS.scheme == "?":
        return _list_schemes()
    for name in ("from", "output"):
        if not FLAGS[name].value:
            raise app.UsageError(f"Set --{name}.")
    if os.path.splitext(FLAGS.output)[1] != ".keras":
        raise app.UsageError("--output must end in .keras.")
    if os.path.exists(FLAGS.output):
        raise ValueError(f"{FLAGS.output} exists already. Choose another --output.")
    folder = os.path.dirname(FLAGS.output) or "."
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder {folder!r} for --output.")
    running.start("float32")
    from tfssl import files, zoo
    from tfssl.zoo.plain import plain_keras

    options = {"image_size": FLAGS.image_size} if FLAGS.image_size else {}
    encoder = zoo.convert(
        FLAGS["from"].value,
        FLAGS.scheme,
        at=FLAGS.at,
        prefix=FLAGS.prefix,
        inert=FLAGS.inert,
        **options,
    )
    files.save_model(plain_keras(encoder), FLAGS.output)
    height, width = encoder.input_shape[1:3]
    print(
        f"Wrote {FLAGS.output}: {encoder.name}, {height} x {width} pixels to "
        f"{encoder.output_shape[-1]} features, {encoder.count_params():,} parameters."
    )


def _list_schemes():
    from tfssl import zoo

    width = max(map(len, zoo.SCHEMES))
    for name, scheme in zoo.SCHEMES.items():
        print(f"{name:{width}}  {scheme.about}")


if __name__ == "__main__":
    running.run(main)

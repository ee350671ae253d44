"""Show on the page of a zoo what its encoders see: a map of images, and neighbours.

    tfssl zoo_examples --zoo=my_zoo --dataset=tfds:cifar10

Of the test images a sample is drawn, the same for all encoders. Its features give the
map and the neighbours, which go into zoo/NAME/examples.json, with small pictures of
some of the images, and from there to the page, zoo/index.html.
"""

import dataclasses
import functools

import common
import running
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags()
# For --help.
flags.adopt_module_key_flags(common)
flags.DEFINE_string("zoo", "zoo", "Folder of the zoo.")
flags.DEFINE_list(
    "encoders", [], "Names of encoders. Default: those that learned from --dataset."
)
flags.DEFINE_integer("seed", 0, "Seed of the sample.", lower_bound=0)


def main():
    running.start("float32")
    from tfssl import zoo
    from tfssl.zoo.index import folder_to_write
    from tfssl.zoo.published import published

    folder = folder_to_write(FLAGS.zoo)
    known = {encoder.name: encoder for encoder in published(folder)}
    for name in chosen(known):
        # Of any size: None, and the images keep theirs.
        size = next(iter(known[name].input_size), None)
        path = zoo.show_examples(name, images(size), folder, FLAGS.seed)
        print(f"Wrote {path}, {path.stat().st_size:,} bytes", flush=True)
    print(f"Look at {folder / 'index.html'}")


def chosen(known):
    """Names of the encoders that the flags ask for.

    Raises:
        ValueError: for a name that is not there, or if there is none.
    """
    dataset = common.without_folder(FLAGS.dataset)
    own = [name for name in known if known[name].text("dataset") == dataset]
    unknown = set(FLAGS.encoders) - set(known)
    if unknown or not (FLAGS.encoders or own):
        raise ValueError(
            f"--encoders must be some of {', '.join(known) or 'an empty zoo'}; without "
            f"it, some must have learned from {dataset}. Received: "
            f"{', '.join(sorted(unknown)) or 'none'}"
        )
    return FLAGS.encoders or own


@functools.cache
def images(size):
    """The test images, for encoders of a size."""
    data = common.load_data("test", size, "leave_out")
    return dataclasses.replace(data, name=common.without_folder(FLAGS.dataset))


if __name__ == "__main__":
    running.run(main)

"""Say what is in photos, with a classifier of your own.

    tfssl predict --model=classifier.keras "photos/*.jpg" more.png a_folder
    tfssl predict --model=classifier.keras --csv=predicted.csv photos

A line a file: the class, and the likeliest classes with their probabilities. A folder
stands for all images in and below it. Files that cannot be read are named at the end;
the others are predicted all the same. `tfssl finetune --save=classifier.keras` makes a
classifier.
"""

import csv
import functools
import glob
import os

import running
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model", None, "A classifier of `tfssl finetune --save`.", required=True
)
flags.DEFINE_integer("top", 3, "Classes to name.", lower_bound=1, upper_bound=1000)
flags.DEFINE_string("csv", None, "CSV file to write instead of printing.")
flags.DEFINE_integer("batch_size", 64, "Images read at a time.", lower_bound=1)


def main(arguments):
    if not os.path.exists(FLAGS.model):
        raise FileNotFoundError(
            f"There is no file {FLAGS.model!r}. `tfssl finetune --save=FILE` makes one."
        )
    running.start("float32")
    from tfssl import transfer

    files = listed(arguments)
    model = transfer.load_classifier(FLAGS.model)
    unread = {}
    rows = predicted(model, files, unread)
    if FLAGS.csv:
        from tfssl.files import whole_file

        with whole_file(FLAGS.csv) as file:
            write(csv.writer(file), rows, min(FLAGS.top, len(model.class_names)))
        print(f"Wrote {FLAGS.csv}")
    else:
        width = max(map(len, files))
        for file, ranked in rows:
            chances = ", ".join(f"{name} {chance:.3f}" for name, chance in ranked)
            print(f"{file:<{width}}  {ranked[0][0]}  ({chances})", flush=True)
    if unread:
        lines = "".join(f"\n  {file}: {reason}" for file, reason in unread.items())
        raise ValueError(f"{len(unread)} of {len(files)} files were not read:{lines}")


def listed(arguments):
    """The files that the arguments name, in their order, each once."""
    from tfssl.data import walk

    files = {}
    for argument in arguments:
        # A name is taken as it is before it is taken as a pattern.
        found = [argument] if os.path.exists(argument) else sorted(glob.glob(argument))
        if not found:
            raise FileNotFoundError(f"There is no file {argument!r}.")
        for path in found:
            if os.path.isdir(path):
                images = [name for name, kind in walk.walk(path) if kind is None]
                files.update((os.path.join(path, name), None) for name in images)
            else:
                files[path] = None
    if not files:
        raise ValueError(
            f"Name the images: files, patterns or folders. Received: {arguments}"
        )
    return list(files)


def predicted(model, files, unread):
    """Yields each file that can be read with its classes; the others go to `unread`."""
    import numpy as np

    from tfssl import data
    from tfssl.data.image_files import decoding_threads
    from tfssl.training.read_ahead import ahead

    size = model.input_shape[1]

    def read(file):
        try:
            return data.load_image(file, size)
        except (ValueError, OSError) as error:
            return error

    starts = range(0, len(files), FLAGS.batch_size)
    batches = [files[start : start + FLAGS.batch_size] for start in starts]
    calls = (
        functools.partial(decoding_threads().map, read, names) for names in batches
    )
    # The next files are decoded while these are classified.
    for names, found in zip(batches, ahead(calls), strict=True):
        images = {}
        for file, image in zip(names, found, strict=True):
            (unread if isinstance(image, Exception) else images)[file] = image
        if images:
            answers = model.classify(
                np.stack(list(images.values())), FLAGS.top, FLAGS.batch_size
            )
            yield from zip(images, answers, strict=True)


def write(writer, rows, count):
    """Rows of a CSV file: the file, and class and probability of the likeliest."""
    head = ["file"]
    for number in range(1, count + 1):
        head += [f"class_{number}", f"probability_{number}"]
    writer.writerow(head)
    for file, ranked in rows:
        writer.writerow([file, *(x for name, p in ranked for x in (name, f"{p:.6f}"))])


if __name__ == "__main__":
    running.run(main, files=True)

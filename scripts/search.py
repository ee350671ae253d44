"""Find the photos that look most like one.

    tfssl search --encoder=runs/a/encoder.keras --dataset=folder:photos \\
        --index=photos.npz --query=photo.jpg
    tfssl search --encoder=runs/a/encoder.keras --index=photos.npz --query=photo.jpg

The first command makes the index, of all training images of the data set, and keeps
it; with it the second one answers at once. So does the first one given again: an index
that is there is not made anew. The answer is a line an image: the cosine similarity of
the features, and the file.
"""

import os

import common
import running
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags(required=False)
common.define_encoder_flags()
# For --help.
flags.adopt_module_key_flags(common)

flags.DEFINE_string(
    "index", None, "Index file, .npz; made if it does not exist.", required=True
)
flags.DEFINE_multi_string("query", [], "Image to search for. May be repeated.")
flags.DEFINE_integer("k", 5, "Images to find.", lower_bound=1)


def main():
    if not os.path.exists(FLAGS.index) and not FLAGS.dataset:
        raise FileNotFoundError(
            f"There is no index {FLAGS.index!r}. Set --dataset to make it."
        )
    running.start("float32")
    from tfssl import data, transfer

    encoder = common.load_encoder(FLAGS.encoder, FLAGS.head_layer)
    # Before an index is made, which may take long.
    queries = {
        query: data.load_image(query, encoder.input_shape[1]) for query in FLAGS.query
    }
    if os.path.exists(FLAGS.index):
        if FLAGS.dataset:
            print(
                f"{FLAGS.index} is searched as it is, and --dataset is not read. "
                "Delete it to have it made anew."
            )
        index = transfer.Index.load(FLAGS.index)
    else:
        index = made(encoder)
    for query, image in queries.items():
        (answer,) = index.search_images(encoder, image[None], FLAGS.k)
        print(f"Nearest to {query}:")
        for path, similarity in answer:
            print(f"  {similarity:.4f}  {path}")


def made(encoder):
    """The index of the data set, saved."""
    from tfssl import transfer

    common.make_folder_of(FLAGS.index)
    images = common.load_data("train", encoder.input_shape[1])
    # Sets without files are searched by number.
    paths = images.paths or [f"{FLAGS.dataset} {i}" for i in range(len(images))]
    index = transfer.Index.of_images(
        encoder, images.images, paths, encoder=FLAGS.encoder, verbose=1
    )
    # Of streamed files, those in whose place another image was read.
    corrupt = getattr(images.images, "corrupt", None)
    if corrupt:
        files = images.images.files
        kept = [row for row, file in enumerate(files) if file not in corrupt]
        index = index.of_rows(kept)
    index.save(FLAGS.index)
    print(f"Wrote {FLAGS.index}: {len(index):,} images")
    return index


if __name__ == "__main__":
    running.run(main)

"""How fast are JPEG files read and made into views, beside lightly?

    python benchmarks/reading.py --peer_python=PATH

A folder of JPEG files of 400 x 300 pixels is made, and read as for pretraining at 224
pixels: ours by `tfssl.data.stream` at 256 pixels, then SimCLR's two views with blur,
compiled as `fit` compiles them; lightly's data set and transform in a DataLoader of 0,
1 or 2 workers, of which the best counts. docs/speed/reading.json has the figures.
"""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import peers  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

BATCH = 32
FLAGS = flags.FLAGS
flags.DEFINE_string(
    "peer_python", None, "Python that imports lightly; none: ours only."
)
flags.DEFINE_integer("rounds", 5, "Turns of each.", lower_bound=1)
flags.DEFINE_integer("images", 768, "Files, all read in each turn.", lower_bound=BATCH)
flags.DEFINE_bool("quick", False, "Three turns of 384 files.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder, for speed/reading.json.")


def main():
    if FLAGS.quick:
        FLAGS.rounds, FLAGS.images = 3, 384
    from tfssl import files

    about = peers.described(files.versions(), files.commit(), FLAGS.quick)
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), FLAGS.images)
        ours, peer = Ours(folder), None
        sides = {"ours": ours.turn}
        if FLAGS.peer_python:
            peer = peers.Peer(
                FLAGS.peer_python,
                str(ROOT / "benchmarks" / "reading_lightly.py"),
                folder,
                str(BATCH),
                needs="--peer_python must import torch, torchvision and lightly. "
                f"Received: {FLAGS.peer_python}",
            )
            about["peer_versions"] = peer.greeting
            sides |= {
                f"lightly, {count} workers": lambda count=count: peer.ask(count)
                for count in range(3)
            }
        row = peers.in_turn(FLAGS.rounds, sides)
        if peer:
            peer.close()
    unit = "files a second, two views of each"
    found = {**about, "unit": unit, "images": FLAGS.images, **row}
    peers.keep(FLAGS.output, "reading", "reading", found)


def write_photos(folder, count):
    """Files as a camera makes them, smaller: smooth, with some noise."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for i in range(count):
        coarse = random.integers(0, 256, (12, 16, 3), "uint8")
        smooth = Image.fromarray(coarse).resize((400, 300), Image.Resampling.BICUBIC)
        pixels = np.asarray(smooth, "int16") + random.integers(-12, 13, (300, 400, 3))
        image = Image.fromarray(np.clip(pixels, 0, 255).astype("uint8"))
        image.save(folder / f"{i:05d}.jpg", quality=90)


class Ours:
    """Batches of views of files."""

    def __init__(self, folder):
        import tensorflow as tf

        import tfssl

        views = tfssl.views.SimCLRViews(224, strength=1.0, blur=True)
        self.views = tf.function(views, jit_compile=True, autograph=False)
        self.batches = tfssl.data.stream(
            f"folder:{folder}", image_size=256, batch_size=BATCH
        )
        self.keys = [tf.constant([7, step]) for step in range(1000)]
        self.views(tf.constant(self.batches[0]), self.keys[0])

    def turn(self):
        """Files a second, each read once."""
        import tensorflow as tf

        start, count = time.perf_counter(), 0
        for batch, key in zip(self.batches, self.keys, strict=False):
            views = self.views(tf.constant(batch), key)
            # Computed before the clock is read: a number of the last view.
            views[-1][-1, -1, -1, -1].numpy()
            count += len(batch)
        self.batches.on_epoch_end()
        return count / (time.perf_counter() - start)


if __name__ == "__main__":
    running.run(main)

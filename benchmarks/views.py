"""How fast are the views, beside lightly's?

    python benchmarks/views.py --peer_python=PATH [--quick]

Makes SimCLR's two views, with blur, of uint8 images in memory: ours compiled as `fit`
compiles them, lightly's (PyTorch, Pillow) in its DataLoader with 0, 1 and 2 workers, of
which the best counts. Both take turns, round after round; medians, ratios and their
spread are printed and written to docs/speed/views.json.

The peer lives in an environment of its own:

    python -m venv /tmp/peer
    /tmp/peer/bin/pip install torch torchvision lightly
    python benchmarks/views.py --peer_python=/tmp/peer/bin/python
"""

import functools
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import peers  # noqa: E402
import running  # noqa: E402
from absl import flags  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "peer_python", None, "Python that imports lightly; none: ours only."
)
flags.DEFINE_list("rows", ["32", "96", "224"], "Sides of the views.")
flags.DEFINE_integer("rounds", 7, "Turns of each.", lower_bound=1)
flags.DEFINE_float("seconds", 3.0, "Time of a turn, about.")
flags.DEFINE_bool("quick", False, "Three turns of a second.")
flags.DEFINE_integer("threads", 2, "Threads of ours, most workers of theirs.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder, for speed/views.json.")

# Side of the views: side of the images, and how many are a batch.
ROWS = {32: (32, 128), 96: (96, 64), 224: (256, 32)}


def main():
    if FLAGS.quick:
        FLAGS.rounds, FLAGS.seconds = 3, 1.0
    rows = [int(row) for row in FLAGS.rows]
    if unknown := set(rows) - set(ROWS):
        raise ValueError(f"--rows must be of {sorted(ROWS)}. Received: {unknown}")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(FLAGS.threads)
    from tfssl import files

    about = {
        **peers.described(files.versions(), files.commit(), FLAGS.quick),
        "threads": FLAGS.threads,
        "unit": "images a second, two views of each",
    }
    peer = None
    if FLAGS.peer_python:
        peer = peers.Peer(
            FLAGS.peer_python,
            str(ROOT / "benchmarks" / "views_lightly.py"),
            needs="--peer_python must import torch, torchvision and lightly. "
            f"Received: {FLAGS.peer_python}",
        )
        about["peer_versions"] = peer.greeting
    for side in rows:
        found = {**about, **measure(side, *ROWS[side], peer)}
        peers.keep(FLAGS.output, "views", str(side), found)
    if peer:
        peer.close()


def measure(side, source, batch, peer):
    """The figures of a row."""
    ours = Ours(side, source, batch)
    sides = {"ours": lambda: ours.turn(FLAGS.seconds)}
    for count in range(FLAGS.threads + 1) if peer else ():
        sides[f"lightly, {count} workers"] = functools.partial(
            peer.ask, side, source, batch, count, FLAGS.seconds
        )
    return {
        "images": source,
        "batch": batch,
        "compile_seconds": round(ours.compile_seconds, 1),
        **peers.in_turn(FLAGS.rounds, sides),
    }


class Ours:
    """Our views, compiled."""

    def __init__(self, side, source, batch):
        import numpy as np
        import tensorflow as tf

        from tfssl.views import SimCLRViews

        views = SimCLRViews(side, strength=1.0, blur=True)
        self.views = tf.function(views, jit_compile=True, autograph=False)
        random = np.random.default_rng(0)
        shape = (batch, source, source, 3)
        self.images = tf.constant(random.integers(0, 256, shape, "uint8"))
        self.keys = [tf.constant([7, step]) for step in range(1000)]
        self.batch = batch
        start = time.perf_counter()
        self.views(self.images, self.keys[0])
        self.compile_seconds = time.perf_counter() - start

    def turn(self, seconds):
        """Images a second."""
        start, count = time.perf_counter(), 0
        while (past := time.perf_counter() - start) < seconds or count < 2:
            views = self.views(self.images, self.keys[count % len(self.keys)])
            # Computed before the clock is read: a number of the last view.
            views[-1][-1, -1, -1, -1].numpy()
            count += 1
            past = time.perf_counter() - start
        return count * self.batch / past


if __name__ == "__main__":
    running.run(main)

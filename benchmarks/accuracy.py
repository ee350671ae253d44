"""How soon does a run come to a linear accuracy, beside lightly's recipe?

    python benchmarks/accuracy.py --peer_python=PATH --data_dir=DIR

SimCLR with a ResNet-18 of width 16 on CIFAR-10: `fit` by the preset `cifar`, and
lightly's recipe for CIFAR-10 as its benchmark has it. A tenth of the training images is
held out; after each epoch of the second half of a schedule a linear probe is fitted to
the features of the others and tells how many of the tenth it gets right. Both take
turns, an epoch each, until they come to --goal or their epochs end. What counts is the
time from the start of their program, with imports, compiling and what is done between
epochs, without the probes. A goal that is reached in the first half counts from the
second on, since measuring takes long. Who does not come to the goal counts with the
time it had, and the ratio is a bound.

docs/speed/accuracy.json has seconds and accuracy after these epochs.
"""

import json
import sys
import tempfile
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
flags.DEFINE_string("data_dir", None, "Folder of prepared tensorflow-datasets.")
flags.DEFINE_float("goal", 0.65, "Linear accuracy to come to.", 0, 1)
flags.DEFINE_integer("epochs", 12, "Epochs of our schedule.", lower_bound=1)
flags.DEFINE_integer("peer_epochs", 24, "Epochs of the other's.", lower_bound=1)
flags.DEFINE_bool("quick", False, "A tenth of the images, to an accuracy of .35.")
flags.DEFINE_string("output", str(ROOT / "docs"), "Folder, for speed/accuracy.json.")
WIDTH = 16


def main():
    import numpy as np

    from tfssl import data, files

    about = peers.described(files.versions(), files.commit(), FLAGS.quick)
    parts = {
        name: data.load("tfds:cifar10", split, data_dir=FLAGS.data_dir, hold_out=0.1)
        for name, split in (("train", "train"), ("held_out", "test"))
    }
    share = 10 if FLAGS.quick else 1
    images, labels = {}, {}
    for name, part in parts.items():
        count = len(part) // share
        images[name], labels[name] = part.images[:count], part.labels[:count]
    if FLAGS.quick:
        FLAGS.goal = min(FLAGS.goal, 0.35)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npz"
        np.savez(file, **images)
        runs = {"ours": Run(sys.executable, "accuracy_tfssl.py", file, FLAGS.epochs)}
        if FLAGS.peer_python:
            runs["theirs"] = Run(
                FLAGS.peer_python, "accuracy_lightly.py", file, FLAGS.peer_epochs
            )
        while racing := [name for name, run in runs.items() if run.goes_on]:
            for name in racing:
                run = runs[name]
                run.epoch(labels)
                print(name, run.done, *run.points[-1:], flush=True)
        for run in runs.values():
            run.peer.close()
    row = {name: run.found() for name, run in runs.items()}
    found = {**about, "goal": FLAGS.goal, "width": WIDTH, **row, **compared(**row)}
    peers.keep(FLAGS.output, "accuracy", "accuracy", found)


def compared(ours, theirs=None):
    """How many times sooner ours was there: `ratio`, and `bound` where it is one.

    Args:
        ours, theirs: what `Run.found` returned.

    Returns:
        Dict; empty if neither was there.
    """
    if theirs is None or not (ours["reached"] or theirs["reached"]):
        return {}
    # Who did not come to the goal would have taken longer than it had.
    ours_seconds, their_seconds = (
        side["reached"] or side["points"][-1][0] for side in (ours, theirs)
    )
    found = {"ratio": round(their_seconds / ours_seconds, 2)}
    if not theirs["reached"]:
        found["bound"] = "more than"
    elif not ours["reached"]:
        found["bound"] = "less than"
    return found


class Run:
    """A run in a program of its own, which does an epoch when it is asked.

    Args:
        python: path of the interpreter.
        program: string, its file in this folder.
        file: path of the images, `train` and `held_out`.
        epochs: int, of its schedule.

    Attributes:
        done: int, epochs that it trained.
        points: list of pairs: seconds since its start, and accuracy, after each epoch
            that was measured.
        reached: float, the seconds until the goal; or None.
    """

    def __init__(self, python, program, file, epochs):
        self.epochs, self.file = epochs, file
        start = time.perf_counter()
        self.peer = peers.Peer(
            python,
            str(ROOT / "benchmarks" / program),
            json.dumps({"file": str(file), "epochs": epochs, "width": WIDTH}),
            needs=f"--peer_python must import lightly. Received: {python}",
        )
        self.about = self.peer.greeting
        self.seconds = self.started = time.perf_counter() - start
        self.done, self.points, self.reached = 0, [], None

    @property
    def goes_on(self):
        return self.reached is None and self.done < self.epochs

    def epoch(self, labels):
        """Lets it train an epoch, and in the second half measures its features."""
        import numpy as np

        from tfssl import transfer

        self.done += 1
        file = self.file.with_name("features.npz")
        measured = 2 * self.done > self.epochs
        self.seconds += self.peer.ask(str(file) if measured else None)
        if not measured:
            return
        with np.load(file) as features:
            accuracy = transfer.linear_probe(
                features["train"],
                labels["train"],
                features["held_out"],
                labels["held_out"],
            ).value
        self.points.append((round(self.seconds, 1), accuracy))
        if accuracy >= FLAGS.goal:
            self.reached = self.seconds

    def found(self):
        """What is kept of it: a dict."""
        return {
            **self.about,
            "epochs": self.epochs,
            "start": round(self.started, 1),
            "reached": self.reached and round(self.reached, 1),
            "points": self.points,
        }


if __name__ == "__main__":
    running.run(main)

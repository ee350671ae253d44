"""Our side of benchmarks/accuracy.py, which starts it: epochs of `fit`."""

import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import running  # noqa: E402
import turns  # noqa: E402


def main():
    given = json.loads(sys.argv[1])
    running.start("mixed_bfloat16")
    import numpy as np

    import tfssl
    from tfssl import files

    with np.load(given["file"]) as known:
        images = {name: known[name] for name in known}
    recipe = tfssl.methods.recipe("simclr", image_size=32, preset="cifar").replace(
        encoder="resnet18", encoder_width=given["width"], epochs=given["epochs"]
    )
    model = recipe.make(len(images["train"]))
    greeting = {
        "versions": files.versions(),
        "batch_size": recipe.batch_size,
        "weights": model.encoder.count_params(),
    }
    model.fit(
        images["train"],
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        callbacks=[make_turns(images, greeting)],
        verbose=0,
    )


def make_turns(images, greeting):
    """A callback that greets, waits for a line before each epoch, and answers to it."""
    import keras
    import numpy as np

    from tfssl import transfer

    class Turns(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                self.tell()
            else:
                turns.answer(greeting)
            if not (line := sys.stdin.readline()):
                # Nothing is kept of this run.
                os._exit(0)
            (self.file,) = json.loads(line)
            self.start = time.perf_counter()

        def on_train_end(self, logs=None):
            self.tell()

        def tell(self):
            """Answers once all is done that `fit` does between epochs."""
            seconds = time.perf_counter() - self.start
            if self.file is not None:
                encoder = self.model.published_encoder
                features = {
                    name: transfer.features(encoder, images[name]) for name in images
                }
                np.savez(self.file, **features)
            turns.answer(seconds)

    return Turns()


if __name__ == "__main__":
    main()

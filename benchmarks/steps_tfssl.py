"""Our side of benchmarks/steps.py, which starts it: turns of `fit`."""

import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import running  # noqa: E402
import steptime  # noqa: E402
import turns  # noqa: E402


def main():
    row = json.loads(sys.argv[1])
    running.start({"bfloat16": "mixed_bfloat16"}.get(row["precision"], "float32"))
    import numpy as np

    import tfssl
    from tfssl import files
    from tfssl.runs.devices import device_names

    device = device_names()
    if device.endswith("CPU cores") == row.get("gpu", False):
        kind = "a GPU" if row.get("gpu") else "a CPU"
        raise RuntimeError(f"This row is of {kind}. Received: {device}")
    recipe = tfssl.methods.recipe(row["method"], image_size=row["side"], preset="cifar")
    recipe = recipe.replace(
        encoder=row["network"], encoder_width=row["width"], batch_size=row["batch"]
    )
    if row["method"] == "simclr":
        recipe = recipe.replace(
            optimizer="sgd",
            optimizer_arguments={},
            learning_rate=0.03,
            weight_decay=1e-4,
        )
    if row["side"] > 64:
        recipe = recipe.replace(encoder_arguments={"stem": "imagenet"})
    count = row["batch"] * row["steps"]
    model = recipe.make(count, epochs=1000)
    shape = (count, row["source"], row["source"], 3)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    weights = model.encoder.trainable_variables
    greeting = {
        "device": device,
        "versions": files.versions(),
        "weights": sum(int(np.prod(v.shape)) for v in weights),
        "xla_flags": os.environ.get("XLA_FLAGS"),
        "variants": ["fit"],
    }
    model.fit(
        images,
        batch_size=row["batch"],
        epochs=1000,
        callbacks=[make_turns(greeting, row)],
        verbose=0,
    )


def make_turns(greeting, row):
    """A callback that greets after an epoch, and then waits for a line before each."""
    import keras

    class Turns(keras.callbacks.Callback):
        # The last step is seen beside the loop, which waits for none of them.
        async_safe = True

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                turns.answer(greeting)
            if epoch and not sys.stdin.readline():
                # Nothing is kept of this run.
                os._exit(0)
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            if batch == row["steps"] - 1:
                # The mean of the loss over all steps: they are done. What a run does
                # between epochs would count many times too often in so short ones.
                float(logs["loss"])
                self.end = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            if epoch:
                seconds = self.end - self.start
                speed = row["batch"] * row["steps"] / seconds
                turns.answer((speed, steptime.peak_memory()))

    return Turns()


if __name__ == "__main__":
    main()

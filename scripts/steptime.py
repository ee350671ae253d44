"""How long a step of a method takes, and how much memory.

    tfssl steptime --method=vicreg --dataset=digits
    tfssl steptime --method=dino --encoder=vit_tiny --dataset=tfds:cifar10 --json

The flags are those of tfssl pretrain. The first epoch, in which the step is compiled,
does not count; the median over the others does, without what a run does between epochs.
Time it on a machine that does nothing else.
"""

import json
import time

import common
import process_memory
import recipe_flags
import running
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags()
recipe_flags.define_recipe_flags()
common.define_device_flags()
# For --help.
flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(recipe_flags)
flags.DEFINE_integer("steps", 10, "Steps of an epoch that is timed.", lower_bound=1)
flags.DEFINE_integer("rounds", 5, "Such epochs.", lower_bound=1)
flags.DEFINE_bool("json", False, "Print one line of JSON.")


def main():
    precision = running.start(
        recipe_flags.precision(), FLAGS.virtual_devices, FLAGS.seed, FLAGS.deterministic
    )
    import numpy as np

    from tfssl import runs

    train = common.load_data("train")
    strategy = runs.strategy(FLAGS.strategy)
    with runs.scope(strategy):
        encoder = recipe_flags.initial_encoder()
    recipe = recipe_flags.chosen_recipe(train, encoder)
    labels = recipe_flags.known_labels(train, recipe.method_class)
    with runs.scope(strategy):
        model = recipe.make(len(train), seed=FLAGS.seed, encoder=encoder)
    count = min(FLAGS.steps * recipe.batch_size, len(train))
    if labels is not None:
        # Which of them have a label does not change the time, and few might have none.
        labels = np.where(np.arange(count) % 2, 0, -1)
    timer = make_timer()
    model.fit(
        train.images[:count],
        labels,
        batch_size=recipe.batch_size,
        epochs=1 + FLAGS.rounds,
        callbacks=[timer],
        verbose=0,
    )
    seconds = float(np.median(timer.seconds[1:]))
    found = {
        "method": recipe.method,
        "network": [
            recipe.make_encoder.__name__,
            recipe.encoder,
            recipe.encoder_width,
            recipe.encoder_arguments,
            recipe.image_size,
        ],
        "weights": model.encoder.count_params(),
        "batch_size": recipe.batch_size,
        "num_images": len(train),
        "precision": precision,
        "seconds": seconds,
        "images_per_second": recipe.batch_size / seconds,
        "peak_memory_mib": peak_memory(),
    }
    if FLAGS.json:
        print(json.dumps(found))
        return
    print(
        f"{recipe.method} of {model.encoder.name} ({found['weights']:,} weights), "
        f"{precision}: {1000 * seconds:.1f} ms a step of {recipe.batch_size} images, "
        f"{found['images_per_second']:.0f} images/s, "
        f"{found['peak_memory_mib']:.0f} MiB at most."
    )


def make_timer():
    """A callback whose `seconds` hold the time of a step in each epoch."""
    import keras

    class Timer(keras.callbacks.Callback):
        # As those of `pretrain`, for which JAX waits for no step.
        async_safe = True

        def __init__(self):
            super().__init__()
            self.seconds = []

        def on_epoch_begin(self, epoch, logs=None):
            self.start = None

        def on_train_batch_begin(self, batch, logs=None):
            if self.start is None:
                self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            if batch == self.params["steps"] - 1:
                # A step is not waited for, as in `fit`; the mean of the loss waits for
                # all.
                float(logs["loss"])
                seconds = time.perf_counter() - self.start
                self.seconds.append(seconds / self.params["steps"])

    return Timer()


def peak_memory():
    """The most memory that this process had, of its GPU if it has one, in MiB."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        device = jax.local_devices()[0]
        if device.platform != "cpu":
            return device.memory_stats()["peak_bytes_in_use"] / 2**20
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return process_memory.peak()


if __name__ == "__main__":
    running.run(main)

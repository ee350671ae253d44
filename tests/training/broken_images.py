"""Program: what `fit` says of images that are no numbers in the seventh step of 1,000.

    python broken_images.py several_steps|replicas|jax

The run has had 100 steps before. It must stop within 100 more.
"""

import sys

from tfssl import runs

(how,) = sys.argv[1:]
runs.set_up("float32", virtual_devices=2 * (how == "replicas"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from cases import images  # noqa: E402

import tfssl  # noqa: E402

tfssl.training.Trainer.xla_views = False
first = images(16)


class Broken(keras.utils.PyDataset):
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        return first.astype("float32") * (np.nan if index == 6 else 1)


with runs.scope(runs.strategy("auto")):
    image = keras.Input((16, 16, 3))
    encoder = keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image)))
    model = tfssl.methods.SimCLR(encoder, tfssl.views.DigitViews(16), projector=(4,))
    at_once = 4 if how == "several_steps" else 1
    model.compile(keras.optimizers.SGD(1e-6), steps_per_execution=at_once)
model.step.assign(100)
try:
    model.fit(Broken(), shuffle=False, verbose=0)
except tfssl.training.TrainingStopped as error:
    print(error)
done = int(keras.ops.convert_to_numpy(model.step)) - 100
assert done < 106, done

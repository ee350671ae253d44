"""Makes tensorflow_addons.npz: values of tensorflow-addons for what took its place.

tensorflow-addons is at its end of life and does not import beside Keras 3, so this runs
in an environment of its own (Python up to 3.11):

    pip install 'tensorflow-cpu==2.15.*' tensorflow-addons==0.23.0 'numpy<2'
    python tests/references/make_tensorflow_addons.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

random = np.random.default_rng(0)
image = random.uniform(size=(9, 8, 3)).astype("float32")
values = {"image": image}

for turn in (-0.2, 0.0, 0.05, 0.4):
    # tensorflow-addons takes the turn in radians.
    delta = tf.constant(2 * np.pi * turn, tf.float32)
    values[f"hue_{turn}"] = tfa.image.adjust_hsv_in_yiq(image, delta).numpy()
for sigma in (0.5, 2.0):
    values[f"blur_{sigma}"] = tfa.image.gaussian_filter2d(
        image, (5, 5), sigma, padding="REFLECT"
    ).numpy()

values["weight"] = random.normal(size=(4, 3)).astype("float32")
values["bias"] = random.normal(size=(3,)).astype("float32")
values["weight_gradients"] = random.normal(size=(5, 4, 3)).astype("float32")
values["bias_gradients"] = random.normal(size=(5, 3)).astype("float32")
optimizers = {
    "lamb": tfa.optimizers.LAMB(0.01, epsilon=1e-6),
    "adamw": tfa.optimizers.AdamW(weight_decay=0.001, learning_rate=0.01),
    "sgdw": tfa.optimizers.SGDW(weight_decay=0.001, learning_rate=0.01, momentum=0.9),
}
for name, optimizer in optimizers.items():
    weight, bias = tf.Variable(values["weight"]), tf.Variable(values["bias"])
    for step in range(5):
        gradients = (values["weight_gradients"][step], values["bias_gradients"][step])
        optimizer.apply_gradients(
            zip(map(tf.constant, gradients), (weight, bias), strict=True)
        )
    values[f"{name}_weight"], values[f"{name}_bias"] = weight.numpy(), bias.numpy()

path = Path(__file__).parent / "tensorflow_addons.npz"
np.savez_compressed(path, **values)
print(path, path.stat().st_size, "bytes")

import keras
import numpy as np
import pytest
from keras import ops

from tfssl.optimizers import SGD, AdamW, Cosine, optimizer

RANDOM = np.random.default_rng(0)
GRADIENTS = RANDOM.normal(size=(6, 3, 2)).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def variables():
    weight = np.linspace(-1, 1, 6, dtype="float32").reshape(3, 2)
    return [keras.Variable(weight), keras.Variable(weight[:, 0])]


def steps(optimizer, made, gradients=GRADIENTS):
    for gradient in gradients:
        optimizer.apply([gradient, gradient[:, 0]], made)
    return [numpy(v) for v in made]


def test_a_number_is_what_keras_does():
    ours = steps(AdamW(0.1, weight_decay=0.3), variables())
    theirs = steps(keras.optimizers.AdamW(0.1, weight_decay=0.3), variables())
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("decay_all", [False, True])
def test_decay_of_each_step_of_a_schedule(decay_all):
    """From .04 to .4 over four steps, then .4. Without a gradient it is only decay."""
    optimizer = AdamW(0.5, Cosine(0.04, 0.4), total_steps=4, decay_all=decay_all)
    made = variables()
    weight, vector = (numpy(v) for v in made)
    optimizer.build(made)
    for step in range(6):
        heights = 0.5 * (1 + np.cos(np.pi * min(step / 4, 1)))
        keep = 1 - 0.5 * (0.4 + (0.04 - 0.4) * heights)
        weight = weight * keep
        vector = vector * keep if decay_all else vector
        found = steps(optimizer, made, np.zeros((1, 3, 2), "float32"))
        np.testing.assert_allclose(found[0], weight, rtol=1e-5)
        np.testing.assert_allclose(found[1], vector, rtol=1e-5)


@pytest.mark.parametrize("make", [AdamW, SGD])
def test_biases_of_attention_do_not_decay(make):
    """They have an axis for the heads and one for what each of them sees."""
    attention = keras.layers.MultiHeadAttention(2, 3, bias_initializer="ones")
    attention.build((None, 5, 6), (None, 5, 6))
    weights = attention.trainable_variables
    optimizer = make(0.5, weight_decay=0.1, decay_all=False)
    optimizer.build(weights)
    before = [numpy(w) for w in weights]
    optimizer.apply([np.zeros(w.shape, "float32") for w in weights], weights)
    for weight, start in zip(weights, before, strict=True):
        kept = 1.0 if weight.name == "bias" else 0.95
        np.testing.assert_allclose(numpy(weight), kept * start, rtol=1e-5)


def test_a_run_that_goes_on_takes_the_same_steps():
    def made():
        return AdamW(0.1, Cosine(0.04, 0.4), total_steps=6, decay_all=False)

    whole = steps(made(), variables())
    first, values = made(), variables()
    steps(first, values, GRADIENTS[:3])
    config = keras.optimizers.serialize(first)
    again = keras.optimizers.deserialize(config)
    again.build(values)
    again.set_weights([numpy(v) for v in first.variables])
    for a, b in zip(steps(again, values, GRADIENTS[3:]), whole, strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.get_config() == first.get_config()


def test_a_schedule_needs_its_length():
    with pytest.raises(ValueError, match=r"Received: weight_decay=Cosine\("):
        AdamW(0.1, Cosine(0.04, 0.4))


def test_by_name():
    made = optimizer("adamw", 0.1, 0.02, beta_2=0.9)
    assert (made.weight_decay, made.beta_2, made.decay_all) == (0.02, 0.9, True)


@pytest.mark.parametrize(
    "options", [{"total_steps": 0}, {"total_steps": 1.5}, {"weight_decay": -0.1}]
)
def test_numbers_out_of_range_are_named(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name} must be.*Received: {name}={value}"):
        AdamW(**{"weight_decay": Cosine(0.04, 0.4), "total_steps": 4, **options})


def test_a_config_without_a_decay_means_the_default():
    config = AdamW(0.1, weight_decay=0.3).get_config()
    del config["weight_decay"]
    assert AdamW.from_config(config).weight_decay == 0.004

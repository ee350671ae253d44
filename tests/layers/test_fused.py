"""What a transformer trains with gives what Keras's layers give, in fewer passes."""

import collections

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import tfssl
from tfssl.layers import TransformerBlock, fused, transformer
from tfssl.layers.fused import attention, gelu, hastened, layer_norm

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="elsewhere all of it is Keras's"
)


def numbers(*shape, dtype="float32", seed=0):
    drawn = np.random.default_rng(seed).normal(size=shape)
    return tf.convert_to_tensor(drawn, dtype=dtype)


def slopes(function, x, weights=()):
    """Values, and gradients in `x` and weights of a sum with drawn factors."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
        total = tf.reduce_sum(y * numbers(*y.shape, dtype=y.dtype, seed=1))
    return [y, *tape.gradient(total, [x, *(w.value for w in weights)])]


def with_drawn(layer, *shapes):
    """A built layer whose weights are all drawn, its biases too."""
    layer.build(*shapes)
    random = np.random.default_rng(2)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape) / 2)
    return layer


@pytest.mark.parametrize("dtype, bound", [("float32", 2e-6), ("float64", 1e-12)])
def test_gelu_and_its_slope(dtype, bound):
    for shape in ((2, 3, 8), (4, 5)):
        x = 3 * numbers(*shape, dtype=dtype)
        y, slope = slopes(lambda x: gelu(x, training=True), x)
        assert y.dtype == slope.dtype == dtype
        share = stats.norm.cdf(x)
        factors = numbers(*shape, dtype=dtype, seed=1)
        np.testing.assert_allclose(y, x * share, rtol=bound, atol=bound)
        wanted = (share + x * stats.norm.pdf(x)) * factors
        np.testing.assert_allclose(slope, wanted, rtol=bound, atol=bound)


def test_gelu_in_half_precision_is_rounded_once():
    x = tf.cast(3 * numbers(4, 50), "bfloat16")
    y = gelu(x, training=True)
    assert y.dtype == "bfloat16"
    x = x.numpy().astype("float64")
    # Half of the distance between two numbers of 8 bits.
    wanted = x * stats.norm.cdf(x)
    np.testing.assert_allclose(y.numpy().astype("float64"), wanted, 2**-8, 1e-5)


# Of a second and third width it is traced for any.
@pytest.mark.parametrize("shape", [(3, 4, 8), (5, 6), (2, 7, 5)])
def test_layer_norm_and_its_slopes(shape):
    layer = with_drawn(keras.layers.LayerNormalization(epsilon=1e-3), shape)
    x = numbers(*shape) + 5
    weights = [layer.gamma, layer.beta]
    found = slopes(lambda x: layer_norm(layer, x, training=True), x, weights)
    wanted = slopes(layer, x, weights)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_and_its_slopes(masked):
    x = numbers(3, 5, 8)
    layer = with_drawn(keras.layers.MultiHeadAttention(2, 4), x.shape, x.shape)
    seen = np.arange(5) < np.array([5, 3, 1])[:, None]
    mask = tf.constant(seen[:, None, :]) if masked else None
    weights = layer.trainable_variables
    found = slopes(lambda x: attention(layer, x, mask, training=True), x, weights)
    wanted = slopes(lambda x: layer(x, x, attention_mask=mask), x, weights)
    assert len(found) == 10
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_block_trains_as_it_infers(policy):
    block = with_drawn(TransformerBlock(2, dtype=policy), (None, 5, 8))
    x = numbers(3, 5, 8)
    known = {}
    for training in (False, True):
        y, *found = slopes(
            lambda x, training=training: block(x, training=training),
            x,
            block.trainable_variables,
        )
        assert y.dtype == block.compute_dtype
        known[training] = [ops.cast(each, "float32") for each in (y, *found)]
    bound = 5e-5 if policy == "float32" else 0.05
    # The slope in the keys' bias is zero but for rounding.
    largest = max(float(ops.max(ops.abs(each))) for each in known[False])
    for a, b in zip(known[True], known[False], strict=True):
        np.testing.assert_allclose(a, b, atol=bound * largest)


def test_a_step_takes_few_passes():
    """What cost a third of the step is not there again."""
    block = with_drawn(TransformerBlock(2), (None, 5, 8))

    @tf.function(autograph=False)
    def step(x):
        return slopes(lambda x: block(x, training=True), x, block.trainable_variables)

    graph = step.get_concrete_function(tf.TensorSpec((3, 5, 8))).graph
    count = collections.Counter(op.type for op in graph.get_operations())
    # Of values by weights: the four of attention, two layers, and their gradients.
    assert count["MatMul"] == 18
    assert count["Einsum"] == 6 and count["BatchMatMulV2"] == 0
    assert count["Erf"] == count["Erfc"] == count["Rsqrt"] == 0


def test_features_take_the_passes_of_training_and_what_is_exported_does_not():
    block = with_drawn(TransformerBlock(2), (None, 5, 8))
    x = numbers(3, 5, 8)

    def infer():
        graph = tf.function(lambda x: block(x, training=False), autograph=False)
        graph = graph.get_concrete_function(tf.TensorSpec((3, 5, 8)))
        kinds = [op.type for op in graph.graph.get_operations()]
        return graph(x), kinds.count("Erf") + kinds.count("Erfc")

    expected, exact_gelus = infer()
    with hastened():
        found, left = infer()
    assert (exact_gelus, left) == (1, 0)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_an_encoder_is_hastened_where_its_features_are_taken(monkeypatch):
    encoder = tfssl.encoders.vit(16, width=32, depth=1, heads=1)
    model = tfssl.methods.MAE(encoder, decoder_width=16, decoder_depth=1)
    model.compile("sgd")
    seen, before = [], fused.gelu

    def gelu(x, training=False):
        seen.append(fused._fuses(training))
        return before(x, training)

    monkeypatch.setattr(transformer, "gelu", gelu)
    images = np.zeros((2, 16, 16, 3), "uint8")
    taken = tfssl.transfer.features(encoder, images)
    now = model.features_now(images)
    assert seen == [True, True]
    plain = encoder(images, training=False)
    assert seen == [True, True, False]
    for found in (taken, now):
        np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-5)

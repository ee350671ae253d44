"""Chunks and parts of a batch: the same step, with less in memory."""

import random
from pathlib import Path

import cases
import keras
import numpy as np
import pytest
from cases import batch, images, patch_encoder
from keras import ops
from programs import run_test_program

import tfssl
from tfssl import layers, replicas

HERE = Path(__file__).parent


def loss_and_gradients(model, made):
    """Of the step, where those of the contract are of `views_loss`."""
    variables = model.trainable_variables
    if keras.backend.backend() == "jax":
        import jax

        def loss_of(values):
            with keras.StatelessScope(list(zip(variables, values, strict=True))):
                return model.step_loss(made)[0]

        loss, found = jax.value_and_grad(loss_of)([v.value for v in variables])
        return float(loss), [np.asarray(g) for g in found]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss, _ = model.step_loss(made)
    found = tape.gradient(loss, [v.value for v in variables])
    return float(loss), [g.numpy() for g in found]


def assert_same_step(model, other, made):
    """Loss and gradients of two models with the same weights, and what moves."""
    other.set_weights(model.get_weights())
    (a, expected), (b, found) = (loss_and_gradients(m, made) for m in (model, other))
    assert b == pytest.approx(a, rel=1e-5)
    largest = max(np.abs(x).max() for x in expected)
    for x, y in zip(expected, found, strict=True):
        # Some have next to none.
        scale = max(np.abs(x).max(), 1e-2 * largest)
        np.testing.assert_allclose(y, x, rtol=0, atol=1e-4 * scale)
    for x, y in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-6)


def views(count=2):
    """Those that take no time."""
    return tfssl.views.Views([[tfssl.views.RandomFlip()]] * count)


def simclr(encoder, chunk=None):
    model = tfssl.methods.SimCLR(encoder, views(), projector=(16, 8))
    model.set_parts(chunk, None)
    return model


def transformer():
    """Half of its branches are left out, by draws that are the same at each call."""
    random.seed(0)
    return tfssl.encoders.vit(16, 8, width=16, depth=1, heads=2, drop_path=0.5)


@pytest.mark.usefixtures("eager")
def test_without_batch_statistics_chunks_are_the_plain_step():
    plain, chunked = (simclr(transformer(), chunk) for chunk in (None, 4))
    assert_same_step(plain, chunked, batch(plain, images(8)))


@pytest.mark.usefixtures("eager")
def test_batch_statistics_are_those_of_each_chunk():
    """As of as many groups: loss, gradients, and where the statistics move."""
    groups = cases.encoder(layers.SplitBatchNormalization(groups=4))
    chunked = simclr(cases.encoder(), chunk=4)
    assert_same_step(simclr(groups), chunked, batch(chunked, images(8)))


@pytest.mark.matrix
@pytest.mark.usefixtures("eager")
def test_groups_of_normalisation_that_chunks_do_not_cut_are_exact():
    plain, chunked = (
        simclr(cases.encoder(layers.SplitBatchNormalization(groups=4)), chunk)
        for chunk in (None, 8)
    )
    assert_same_step(plain, chunked, batch(plain, images(8)))


@pytest.mark.usefixtures("eager")
def test_dropout_draws_for_each_chunk_and_the_same_again_for_its_gradient():
    image = keras.Input((4, 4, 3))
    x = keras.layers.Dense(8)(keras.layers.Flatten()(image))
    network = keras.Model(image, keras.layers.Dropout(0.5, seed=3)(x))
    start = network.get_weights(), network.variables[-1].numpy()
    rows = ops.convert_to_tensor(images(8)[:, :4, :4].astype("float32"))

    def in_turn(rows):
        return ops.concatenate(
            [network(part, training=True) for part in ops.split(rows, 4)]
        )

    model = simclr(patch_encoder(16), chunk=2)

    def in_chunks(rows):
        return model._features(lambda x: network(x, training=True), network, rows)

    results = []
    for function in (in_turn, in_chunks):
        network.set_weights(start[0])
        network.variables[-1].assign(start[1])
        results.append(outputs_and_gradient(function, network, rows))
        results[-1].append(network.variables[-1].numpy())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def outputs_and_gradient(function, network, rows):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = function(rows)
        loss = ops.sum(ops.square(outputs))
    found = tape.gradient(loss, [v.value for v in network.trainable_variables])
    return [outputs.numpy(), *[g.numpy() for g in found]]


def mae(accumulate=None):
    random.seed(0)
    model = tfssl.methods.MAE(
        tfssl.encoders.vit(16, 4, width=16, depth=1, heads=2, drop_path=0.5),
        views(1),
        decoder_width=16,
        decoder_depth=1,
    )
    model.set_parts(None, accumulate)
    return model


@pytest.mark.usefixtures("eager")
def test_parts_hide_what_the_plain_step_hides():
    plain = mae()
    assert_same_step(plain, mae(accumulate=4), batch(plain, images(8)))


def operations(graph):
    """Types of the operations of a graph, without those of its loops."""
    return [operation.type for operation in graph.get_operations()]


def test_all_convolutions_are_in_loops_of_one_chunk_at_a_time():
    """A guard: what a chunk takes is gone before the next one comes."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("of TensorFlow's graphs")
    model = tfssl.methods.MoCo(patch_encoder(16, (4,)), views(), queue_size=16)
    made = batch(model, images(8))
    found = {}
    for chunk in (None, 4):
        model.set_parts(chunk, None)

        @tf.function(autograph=False)
        def step():
            with tf.GradientTape() as tape:
                loss, _ = model.step_loss(made)
            return tape.gradient(loss, [v.value for v in model.trainable_variables])

        found[chunk] = step.get_concrete_function().graph
    assert any("Conv2D" in each for each in operations(found[None]))
    assert not any("Conv2D" in each for each in operations(found[4]))
    loops = [o for o in found[4].get_operations() if "While" in o.type]
    # Of the queries, the keys, and the gradient of the queries.
    assert len(loops) == 3
    assert all(loop.get_attr("parallel_iterations") == 1 for loop in loops)


REFUSED = {
    "chunk is for.*Give one of them.*chunk=4, accumulate=2": (
        "simclr",
        {"chunk": 4, "accumulate": 2},
    ),
    "simclr looks across the batch.*chunk=256.*accumulate=2": (
        "simclr",
        {"accumulate": 2},
    ),
    "mae calls its encoder in a way of its own.*accumulate=4.*chunk=4": (
        "mae",
        {"chunk": 4},
    ),
    "chunk": ("simclr", {"chunk": 0}),
    "accumulate": ("mae", {"accumulate": 1.5}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_go_together_is_refused_when_it_is_compiled(message):
    name, parts = REFUSED[message]
    model = mae() if name == "mae" else simclr(patch_encoder(16, (4,)))
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.compile("sgd", **parts)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_adversary_takes_no_parts():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("adversaries are trained on TensorFlow")
    model = cases.context_encoder(hole="blocks")
    with pytest.raises(ValueError, match="adversary.*adversarial_weight=0.*ate=2"):
        model.compile("sgd", accumulate=2)


@pytest.mark.parametrize("chunk, accumulate", [(4, None), (None, 4)])
def test_a_batch_that_does_not_divide_is_refused(chunk, accumulate):
    model = simclr(patch_encoder(16, (4,)))
    model.set_parts(chunk, accumulate)
    for size in (8, 16):
        model.check_batch(size)
    with pytest.raises(ValueError, match="multiple of 4.*Received: a batch of 6"):
        model.check_batch(6)


def test_a_batch_of_one_chunk_is_taken_at_once():
    model = simclr(patch_encoder(16, (4,)), chunk=64)
    model.check_batch(6)
    assert model.step_loss(batch(model, images(6)))[0].shape == ()


@pytest.mark.matrix
@pytest.mark.usefixtures("eager")
def test_chunks_of_mixed_precision_are_the_plain_step_but_for_its_rounding():
    keras.config.set_dtype_policy("mixed_bfloat16")
    plain, chunked = (simclr(transformer(), chunk) for chunk in (None, 4))
    chunked.set_weights(plain.get_weights())
    made = batch(plain, images(8))
    (a, expected), (b, found) = (loss_and_gradients(m, made) for m in (plain, chunked))
    assert b == pytest.approx(a, rel=0.01)
    flat = [np.concatenate([g.ravel() for g in each]) for each in (expected, found)]
    assert flat[1].dtype == "float32"
    assert np.linalg.norm(flat[1] - flat[0]) < 0.05 * np.linalg.norm(flat[0])


@pytest.mark.matrix
def test_several_steps_an_execution_move_as_far():
    model = simclr(patch_encoder(16, (4,)))
    start, ends = model.get_weights(), []
    for steps in (1, 2):
        model.compile(keras.optimizers.SGD(0.1), chunk=4, steps_per_execution=steps)
        model.set_weights(start)
        model.fit(images(16), batch_size=8, epochs=1, verbose=0)
        ends.append(model.get_weights())
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(start, ends[0], strict=True))
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.matrix
def test_a_saved_model_keeps_its_chunks(tmp_path):
    model = simclr(patch_encoder(16, (4,)))
    model.compile("sgd", chunk=4)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").chunk == 4


def test_a_part_draws_its_rows_of_the_whole_batch_and_gathers_nothing():
    whole = tfssl.views.ReplicaStream(7).uniform((6, 2))
    parts = []
    for number in range(3):
        with replicas.part(number, 3):
            parts.append(tfssl.views.ReplicaStream(7).uniform((2, 2)))
            with pytest.raises(ValueError, match="looks across the whole batch"):
                replicas.gather(parts[-1])
            with pytest.raises(ValueError, match="looks across the whole batch"):
                replicas.mean(parts[-1])
    np.testing.assert_array_equal(ops.concatenate(parts), whole)


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize(
    "backend, names",
    [
        ("tensorflow", "--eager cmc dino moco mae"),
        ("jax", "moco"),
    ],
)
def test_weights_after_a_step_are_those_of_the_plain_step(backend, names):
    pytest.importorskip("tensorflow")
    program = HERE / "chunked_steps.py"
    assert "equal" in run_test_program(program, *names.split(), KERAS_BACKEND=backend)


@pytest.mark.slow
@pytest.mark.matrix
def test_two_replicas_with_chunks_are_one_device_without():
    """Batch statistics too, which are those of each chunk."""
    pytest.importorskip("tensorflow")
    program = HERE / "chunked_steps.py"
    assert "equal" in run_test_program(program, "--replicas", "simclr_norm")


@pytest.mark.parametrize("parts", [{}, {"chunk": 4}])
def test_penalties_of_weights_come_on_top(parts):
    found = []
    for strength in (0.0, 10.0):
        keras.utils.set_random_seed(0)
        penalty = keras.regularizers.L2(strength) if strength else None
        encoder = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Conv2D(4, 3, kernel_regularizer=penalty),
                keras.layers.GlobalAveragePooling2D(),
            ]
        )
        model = tfssl.methods.SimCLR(encoder, cases.views(), seed=0)
        model.compile("sgd", **parts)
        found.append((model, *loss_and_gradients(model, batch(model, images(8)))))
    (plain, loss, gradients), (_, penalised, moved) = found
    kernel = np.asarray(plain.trainable_variables[0].value)
    assert penalised - loss == pytest.approx(10 * (kernel**2).sum(), rel=1e-4)
    np.testing.assert_allclose(
        moved[0] - gradients[0], 20 * kernel, rtol=1e-3, atol=1e-4
    )
    for a, b in zip(moved[1:], gradients[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)

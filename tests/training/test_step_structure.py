"""What a step consists of: a guard against what is slower by its structure."""

import json
from collections import Counter
from pathlib import Path

import cases
import keras
import pytest
from programs import run_test_program

import tfssl

if keras.backend.backend() != "tensorflow":
    pytest.skip("counts operations of TensorFlow", allow_module_level=True)

import tensorflow as tf

pytestmark = pytest.mark.slow

CONVOLUTIONS = ("Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput")
# Convolutions of an encoder's pass and of its gradient. All views go through in one
# pass, or, where each has batch statistics of its own, in a pass each; what a teacher
# sees has no gradient.
PASSES = {
    "simclr": (1, 1),
    "moco_v2": (2, 1),
    "byol": (4, 2),
    "dino": (2, 1),
    "lejepa": (1, 1),
    "vicreg": (2, 2),
}
QUICK = ("simclr", "moco_v2")
# How often replicas wait for each other: to gather on the way forward, and to reduce on
# the way back. Each normalisation over all replicas, in each pass, is one of both;
# where a group is normalised by itself only its moments are gathered.
COLLECTIVES = {
    # The embeddings of both views are gathered together.
    "simclr": (6 + 1, 6 + 1),
    # In two networks; the keys are shuffled and brought back, and enter the queue.
    "moco_v2": (8 + 3 + 1, 0),
    # Two passes of a network; the teacher takes no gradient.
    "byol": (12 + 10, 12),
    # Each view goes through by itself, and its embeddings are gathered once.
    "vicreg": (2 * (5 + 1), 2 * (5 + 1)),
    # Each view has its Gaussian test.
    "lejepa": (6 + 2, 6 + 2),
    "barlow_twins": (2 * 5 + 1, 2 * 5 + 1),
}


def operations(model):
    """How often each kind of operation is in the graph of a training step."""
    spec = tf.TensorSpec((8, cases.SIZE, cases.SIZE, 3), "uint8")
    graph = tf.function(model.train_step).get_concrete_function(spec).graph
    graph = graph.as_graph_def()
    found = Counter(node.op for node in graph.node)
    for function in graph.library.function:
        found.update(node.op for node in function.node_def)
    return found


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.matrix)
        for name in PASSES
    ],
)
def test_the_encoder_runs_no_more_often_than_it_must(name):
    model = cases.make(name)
    convolutions = sum(
        isinstance(layer, keras.layers.Conv2D)
        for layer in model.encoder._flatten_layers()
    )
    found = operations(model)
    forward, backward = (count * convolutions for count in PASSES[name])
    assert [found[each] for each in CONVOLUTIONS] == [forward, backward, backward]
    # Nothing goes through Python, or prints, or is checked by the host.
    assert not {op for op in found if "PyFunc" in op or op in ("PrintV2", "Assert")}


@pytest.mark.matrix
def test_replicas_wait_for_each_other_no_more_often_than_they_must():
    out = run_test_program(Path(__file__).with_name("collectives.py"), *COLLECTIVES)
    found = dict(
        (name, counts) for name, *counts in map(json.loads, out.split("\n")[:-1])
    )
    # And once for the gradients.
    assert found == {
        name: [gathers, reductions + 1]
        for name, (gathers, reductions) in COLLECTIVES.items()
    }


def test_nothing_is_traced_again():
    """Neither in later epochs, nor by another `fit`, nor for another learning rate."""
    model = cases.make("moco_v2")
    traced, loss = [], model.views_loss
    model.views_loss = lambda batch: (traced.append(model.step), loss(batch))[1]
    first = []
    counts = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: first.append(len(traced))
    )
    for rate in (0.1, 0.05):
        model.optimizer.learning_rate = rate
        model.fit(
            cases.images(24), batch_size=8, epochs=2, verbose=0, callbacks=[counts]
        )
    assert first == [first[0]] * 4 and first[0] > 0


def test_what_watches_a_run_is_compiled_once():
    """Operation by operation all activations of the network would stay in memory."""
    calls = []

    class Watched(keras.layers.Layer):
        def call(self, x):
            calls.append(x)
            return x

    image = keras.Input((cases.SIZE, cases.SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(Watched()(image))
    encoder = keras.Model(image, keras.layers.Dense(8)(x))
    views = tfssl.views.DigitViews(cases.SIZE)
    model = tfssl.methods.SimCLR(encoder, views, projector=(8, 4))
    model.compile(keras.optimizers.SGD(0.0))

    def fit(epochs):
        model.fit(cases.images(16), batch_size=8, epochs=epochs, verbose=0)
        return len(calls)

    assert fit(epochs=1) == fit(epochs=3)
    # Who asks for it can look at each operation.
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    calls.clear()
    for _ in range(3):
        model.features_now(cases.images(4))
    assert len(calls) == 3
    assert all(isinstance(x, tf.__internal__.EagerTensor) for x in calls)

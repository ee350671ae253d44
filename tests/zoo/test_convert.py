"""Checkpoints in their authors' layouts become encoders with the same features."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from checkpoint_writer import write_legacy, write_safetensors, write_zip

from tfssl.zoo import SCHEMES, FormatError, convert
from tfssl.zoo.checkpoints import read_checkpoint
from tfssl.zoo.conversion import Scheme
from tfssl.zoo.conversion.layouts import encoder_arrays
from tfssl.zoo.conversion.resnet_weights import simclr_sources, torchvision_sources

REFERENCES = Path(__file__).parents[1] / "references"
sys.path.insert(0, str(REFERENCES))
import vit_weights  # noqa: E402
from checkpoint_weights import images, simclr_names, weights  # noqa: E402

STAGES = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
WIDTH = 4


def reference(key, file="checkpoints.npz"):
    with np.load(REFERENCES / file) as values:
        return values[key]


def features(encoder, x):
    return keras.ops.convert_to_numpy(encoder(x))


def resnet(depth, **options):
    return weights(STAGES[depth], depth == 50, WIDTH, **options)


def prefixed(state, prefix):
    return {f"{prefix}{name}": array for name, array in state.items()}


def moco(state):
    """MoCo's layout around an encoder's weights."""
    others = {name: np.zeros_like(array) for name, array in state.items()}
    head = {"fc.0.weight": np.zeros((2, 2), "f4"), "fc.2.bias": np.zeros(2, "f4")}
    count = {"bn1.num_batches_tracked": np.array(7)}
    return {
        "epoch": 200,
        "arch": "resnet50",
        "state_dict": {
            **prefixed({**state, **count, **head}, "module.encoder_q."),
            **prefixed({**others, **head}, "module.encoder_k."),
            "module.queue": np.zeros((4, 8), "f4"),
            "module.queue_ptr": np.zeros(1, "i8"),
        },
        "optimizer": {"state": {0: {"momentum_buffer": np.zeros(3, "f4")}}},
    }


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory):
    path = tmp_path_factory.mktemp("moco") / "a.pth.tar"
    write_legacy(path, moco(resnet(50)))
    return convert(path, "moco", image_size=64)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.matrix
def test_a_resnet_50_in_the_layout_of_moco(resnet50):
    assert (resnet50.name, resnet50.output_shape) == ("resnet50w4", (None, 128))
    assert_close(features(resnet50, images(64)), reference("resnet50"))


@pytest.mark.matrix
def test_layers_are_numbered_as_simclr_does(resnet50):
    paths = [w.path for w in resnet50.weights]
    found, torch = simclr_sources(paths), torchvision_sources(paths)
    names = simclr_names(STAGES[50])
    for path in paths:
        assert f"base_model/{found[path][0]}" == names[torch[path][0]]
    assert len({name for name, _ in found.values()}) == len(paths) == 265


def write_tensorflow(prefix, arrays):
    tf = pytest.importorskip("tensorflow")
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=list(arrays.values()),
    )


@pytest.mark.matrix
def test_a_resnet_50_in_the_layout_of_simclr(tmp_path):
    names = simclr_names(STAGES[50])
    arrays = {
        names[name]: array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
        for name, array in resnet(50).items()
    }
    arrays["base_model/conv2d/kernel/Momentum"] = np.zeros(3, "f4")
    arrays["head_contrastive/nl_0/dense/kernel"] = np.zeros(3, "f4")
    arrays["global_step"] = np.array(7)
    write_tensorflow(tmp_path / "model.ckpt-7", arrays)
    encoder = convert(tmp_path / "model.ckpt-7", "simclr", image_size=64)
    expected = reference("simclr")
    assert_close(features(encoder, images(64)), expected)
    assert np.abs(expected - reference("resnet50")).max() > 0.1


def test_a_resnet_18(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", resnet(18))
    encoder = convert(tmp_path / "a.safetensors", "torchvision", image_size=64)
    assert_close(features(encoder, images(64)), reference("resnet18"))


def vit():
    return vit_weights.weights(384, 2, 16, 9)


def test_a_vision_transformer(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", vit())
    encoder = convert(tmp_path / "a.safetensors", "timm")
    assert encoder.input_shape == (None, 48, 48, 3)
    found = features(encoder, vit_weights.images(48))
    assert_close(found, reference("small_features", "timm.npz"))


# The other layouts, around the weights that the tests above compare.
def momentum(state):
    head = "head" if "cls_token" in state else "fc"
    return {
        "state_dict": {
            **prefixed(state, "module.base_encoder."),
            f"module.base_encoder.{head}.0.weight": np.zeros(2, "f4"),
            "module.momentum_encoder.conv1.weight": np.zeros(2, "f4"),
            "module.predictor.0.weight": np.zeros(2, "f4"),
        }
    }


def swav(state):
    heads = ("projection_head.0.weight", "prototypes.weight")
    return prefixed({**state, **dict.fromkeys(heads, np.zeros(2, "f4"))}, "module.")


def simsiam(state):
    more = ("module.encoder.fc.0.weight", "module.predictor.0.weight")
    weights = prefixed(state, "module.encoder.")
    return {"state_dict": {**weights, **dict.fromkeys(more, np.zeros(2, "f4"))}}


def lightly(state):
    places = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    found = {"projection_head.layers.0.weight": np.zeros(2, "f4")}
    for name, array in state.items():
        layer, _, rest = name.partition(".")
        found[f"backbone.{places[layer]}.{rest}"] = array
    return {"pytorch-lightning_version": "2.6", "state_dict": found}


def solo_learn(state):
    more = {"classifier.weight": np.zeros(2, "f4")}
    return {"state_dict": {**prefixed(state, "backbone."), **more}}


LAYOUTS = {
    "moco": moco,
    "moco_v3_resnet": momentum,
    "swav": swav,
    "simsiam": simsiam,
    "simclr_converter": lambda state: {"state_dict": state},
    "lightly": lightly,
    "solo_learn": solo_learn,
    # With a decoder, as a whole checkpoint has it.
    "mae": lambda state: {"model": {**state, "decoder_embed.bias": np.zeros(2, "f4")}},
    "moco_v3_vit": momentum,
}


@pytest.mark.parametrize("scheme", LAYOUTS)
def test_the_layout_of(scheme, tmp_path):
    transformer = SCHEMES[scheme].network == "timm"
    state = vit_weights.weights(8, 2, 4, 4) if transformer else resnet(10)
    write_zip(tmp_path / "a.pth", LAYOUTS[scheme](state))
    content = read_checkpoint(tmp_path / "a.pth")
    arrays, unexpected = encoder_arrays(content, SCHEMES[scheme], "a.pth")
    assert (list(arrays), unexpected) == (list(state), [])
    for name, array in arrays.items():
        np.testing.assert_array_equal(np.asarray(array), state[name])


def test_what_a_scheme_says_of_the_network(tmp_path):
    assert SCHEMES["swav"].options["std"][0] == 0.228
    for scheme in ("simclr", "simclr_converter"):
        assert SCHEMES[scheme].options == {"stem_pool": "same"}
    state = vit_weights.weights(24, 1, 4, 4)
    write_zip(tmp_path / "a.pth", LAYOUTS["moco_v3_vit"](state))
    encoder = convert(tmp_path / "a.pth", "moco_v3_vit", std=(0.5, 0.5, 0.5))
    assert encoder.get_layer("block_1").heads == 12
    assert encoder.input_shape == (None, 8, 8, 3)
    np.testing.assert_allclose(encoder.layers[1].get_config()["scale"], 2 / 255)


def test_every_scheme_is_tested():
    tested = {"torchvision", "simclr", "timm", *LAYOUTS}
    assert set(SCHEMES) == tested
    assert all(isinstance(scheme, Scheme) for scheme in SCHEMES.values())


def test_what_differs_from_a_scheme_is_said(tmp_path):
    """Of a network for small images, in a layout of one's own."""
    state = resnet(10, stem=3)
    write_zip(tmp_path / "a.pth", {"net": prefixed(state, "student.")})
    encoder = convert(
        tmp_path / "a.pth",
        "torchvision",
        at=("net",),
        prefix="student.",
        image_size=32,
        mean=None,
        std=None,
        name="mine",
    )
    assert encoder.name == "mine"
    assert encoder.get_layer("local").output.shape == (None, 4, 4, 32)
    np.testing.assert_array_equal(
        encoder.get_layer("stem_conv").kernel,
        state["conv1.weight"].transpose(2, 3, 1, 0),
    )


def changed(**changes):
    """A state dict in which weights are replaced; None takes one away."""
    state = resnet(10)
    for name, array in changes.items():
        name = name.replace("__", ".")
        state.pop(name, None)
        if array is not None:
            state[name] = array
    return state


@pytest.mark.parametrize(
    "state, message",
    [
        (
            changed(layer2__0__bn2__bias=None, layer5__0__x=np.zeros(2, "f4")),
            "Missing: layer2.0.bn2.bias. Unexpected: layer5.0.x.",
        ),
        (changed(conv1__weight=None), "Missing: conv1.weight. Unexpected: bn1.weight"),
        (
            changed(bn1__weight=np.ones(5, "f4")),
            r"bn1.weight of .* does not fit stem_norm/gamma with the shape \(4,\)",
        ),
        (changed(bn1__weight=np.full(4, np.nan, "f4")), "not finite"),
        (changed(conv1__weight=np.ones(5, "f4")), "does not fit torchvision"),
        (changed(conv1__weight=np.ones((9000, 1, 1, 1), "f4")), "the width 9000"),
        (changed(conv1__weight=np.ones((0, 3, 7, 7), "f4")), "the width 0"),
        ({}, "Missing: conv1.weight. Unexpected: none"),
        ([1, 2], "holds no dict of weights"),
    ],
)
def test_wrong_and_partial_checkpoints(state, message, tmp_path):
    write_zip(tmp_path / "a.pth", state)
    with pytest.raises(FormatError, match=message):
        convert(tmp_path / "a.pth", "torchvision", image_size=32)


def test_one_name_does_not_ask_for_many_blocks(tmp_path):
    state = vit_weights.weights(8, 1, 4, 4)
    state["blocks.99999999.norm1.weight"] = state.pop("blocks.0.norm1.weight")
    write_safetensors(tmp_path / "a", state)
    with pytest.raises(FormatError, match="blocks.1.norm1.bias.*blocks.99999999"):
        convert(tmp_path / "a", "timm")


def test_another_scheme_than_the_file_has(tmp_path):
    write_zip(tmp_path / "a.pth", resnet(10))
    with pytest.raises(FormatError, match="nothing under 'state_dict'.*conv1.weight"):
        convert(tmp_path / "a.pth", "moco")
    with pytest.raises(FormatError, match="Missing: cls_token.*and 48 more"):
        convert(tmp_path / "a.pth", "timm")
    with pytest.raises(FormatError, match="Missing: conv1.weight"):
        convert(tmp_path / "a.pth", "swav")
    with pytest.raises(ValueError, match="Did you mean moco_v3_vit?"):
        convert(tmp_path / "a.pth", "moco_v3vit")

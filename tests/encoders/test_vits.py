import inspect
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tfssl import encoders
from tfssl.encoders.drop_path import DropPathBlock
from tfssl.layers import Teacher

REFERENCES = Path(__file__).parents[1] / "references"
sys.path.insert(0, str(REFERENCES))
from vit_weights import IMAGENET, weights  # noqa: E402
from vit_weights import images as reference_images  # noqa: E402

REFERENCE = np.load(REFERENCES / "timm.npz")
MEAN, STD = IMAGENET


def numpy(x):
    return ops.convert_to_numpy(x)


def images(n=3, size=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), "uint8")


def small(size=16, **options):
    """The weights are random: positions, tokens and biases too."""
    keras.utils.set_random_seed(0)
    options = {"width": 16, "depth": 2, "heads": 2, **options}
    encoder = encoders.vit(size, 4, **options)
    random = np.random.default_rng(0)
    for w in encoder.trainable_weights:
        w.assign(w + 0.1 * random.normal(size=w.shape))
    return encoder


def assign_timm(encoder, of):
    """Gives an encoder weights with the names of timm."""

    def assign(layer, *arrays):
        for w, array in zip(layer.weights, arrays, strict=True):
            w.assign(np.reshape(array, w.shape))

    def both(name, transpose=True):
        kernel = of[f"{name}.weight"]
        return (kernel.T if transpose else kernel), of[f"{name}.bias"]

    kernel, bias = both("patch_embed.proj", transpose=False)
    assign(encoder.get_layer("patch_embedding"), kernel.transpose(2, 3, 1, 0), bias)
    assign(encoder.get_layer("positions"), of["pos_embed"][:, 1:])
    assign(encoder.get_layer("class_token"), of["cls_token"], of["pos_embed"][:, :1])
    assign(encoder.get_layer("norm"), *both("norm", transpose=False))
    blocks = [each for each in encoder.layers if isinstance(each, DropPathBlock)]
    for number, block in enumerate(blocks):
        name = f"blocks.{number}"
        qkv, qkv_bias = both(f"{name}.attn.qkv")
        pairs = zip(np.split(qkv, 3, axis=1), np.split(qkv_bias, 3), strict=True)
        of_attention = [each for pair in pairs for each in pair]
        # In the order of Keras: query, key, value.
        names = [w.path.rsplit("/", 2)[1] for w in block.attention.weights]
        assert names[:6:2] == ["query", "key", "value"]
        assign(block.attention, *of_attention, *both(f"{name}.attn.proj"))
        assign(block.norm_1, *both(f"{name}.norm1", transpose=False))
        assign(block.norm_2, *both(f"{name}.norm2", transpose=False))
        assign(block.linear_1, *both(f"{name}.mlp.fc1"))
        assign(block.linear_2, *both(f"{name}.mlp.fc2"))


@pytest.mark.parametrize("name, width", [("small", 384), ("base", 768)])
def test_features_are_those_of_timm(name, width):
    make = getattr(encoders, f"vit_{name}")
    encoder = make(48, 16, depth=2, mean=MEAN, std=STD)
    assign_timm(encoder, weights(width, 2, 16, 9))
    x = reference_images(48)
    tokens = encoders.encode_tokens(encoder, x)
    np.testing.assert_allclose(numpy(tokens), REFERENCE[f"{name}_tokens"], atol=1e-4)
    features = numpy(encoder(x))
    np.testing.assert_allclose(features, REFERENCE[f"{name}_features"], atol=1e-4)
    # Positions are interpolated as DINO does it.
    sized = encoders.at_size(encoder, 32)
    features = numpy(sized(reference_images(32)))
    np.testing.assert_allclose(features, REFERENCE[f"{name}_features_32"], atol=1e-4)


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["tiny", "small", "base", "large"])
def test_sizes_are_the_published_ones(name):
    encoder = getattr(encoders, f"vit_{name}")()
    assert encoder.name == f"vit_{name}"
    assert encoder.input_shape == (None, 224, 224, 3)
    assert len(encoder.non_trainable_weights) == 0
    assert encoder.count_params() == REFERENCE[f"count_{name}"]


def test_named_networks_show_their_arguments():
    of_all = inspect.signature(encoders.vit).parameters
    for name, width, depth in (("vit_small", 384, 12), ("vit_large", 1024, 24)):
        shown = inspect.signature(getattr(encoders, name)).parameters
        assert list(shown) == list(of_all)
        assert (shown["width"].default, shown["depth"].default) == (width, depth)


def test_patches_are_small_for_small_images():
    for size, patch in ((64, 4), (80, 16), ((32, 64), 4)):
        encoder = encoders.vit(size, width=8, depth=1)
        assert encoder.get_layer("patch_embedding").kernel_size == (patch, patch)


def test_depth_width_and_heads():
    encoder = encoders.vit_tiny(16, width=128, depth=3)
    blocks = [each for each in encoder.layers if isinstance(each, DropPathBlock)]
    assert len(blocks) == 3 and blocks[0].heads == 2
    assert encoder.output_shape == (None, 128)


@pytest.mark.parametrize("class_token", [True, False])
def test_the_mean_is_that_of_the_patches(class_token):
    encoder = small(pool="mean", class_token=class_token)
    tokens = numpy(encoders.encode_tokens(encoder, images()))
    assert tokens.shape[1] == 16 + class_token
    expected = tokens[:, int(class_token) :].mean(axis=1)
    np.testing.assert_allclose(numpy(encoder(images())), expected, atol=1e-5)


def test_fixed_positions_take_no_gradient_and_the_class_token_has_none():
    encoder = small(positions="sincos")
    assert [w.path for w in encoder.non_trainable_weights] == ["positions/table"]
    assert len(encoder.get_layer("class_token").weights) == 1


@pytest.mark.parametrize("positions", ["learned", "sincos"])
def test_it_is_saved_and_loaded(tmp_path, positions):
    encoder = small(positions=positions, drop_path=0.1)
    # Made at another size and saved: the table stays as it is.
    for each, size in ((encoder, 16), (encoders.at_size(encoder, 24), 24)):
        each.save(tmp_path / "encoder.keras")
        loaded = keras.saving.load_model(tmp_path / "encoder.keras")
        x = images(size=size)
        np.testing.assert_array_equal(numpy(loaded(x)), numpy(each(x)))
        assert loaded.get_layer("positions").grid == (4, 4)


def test_at_size_shares_the_weights():
    encoder = small()
    wide = encoders.at_size(encoder, (16, 24))
    assert wide.input_shape == (None, 16, 24, 3)
    assert [id(w) for w in wide.weights] == [id(w) for w in encoder.weights]
    assert encoders.at_size(encoder, 16) is encoder
    assert encoder.input_shape == (None, 16, 16, 3)
    network = encoders.resnet10(16, stem="small", width=4)
    x = images(size=24)
    expected = encoders.resnet10(24, stem="small", width=4)
    expected.set_weights(network.get_weights())
    sized = encoders.at_size(network, 24)
    np.testing.assert_allclose(numpy(sized(x)), numpy(expected(x)), atol=1e-5)


def test_at_size_refuses_what_has_one_size_only():
    with pytest.raises(ValueError, match="dim_cnn works on images of"):
        encoders.at_size(encoders.dim_cnn(16, width=4, dim=8), 24)
    with pytest.raises(ValueError, match="Patches of 4 pixels.*18 x 18"):
        encoders.at_size(small(), 18)


def test_some_tokens():
    """All of them in another order are the same; a token left out is not seen."""
    encoder = small()
    x = images()
    everything = numpy(encoders.encode_tokens(encoder, x))
    order = np.stack([np.random.default_rng(i).permutation(16) for i in range(3)])
    turned = numpy(encoders.encode_tokens(encoder, x, order))
    expected = np.take_along_axis(everything[:, 1:], order[:, :, None], axis=1)
    np.testing.assert_allclose(turned[:, 1:], expected, atol=1e-5)
    np.testing.assert_allclose(turned[:, 0], everything[:, 0], atol=1e-5)

    keep = order[:, :5]
    kept = numpy(encoders.encode_tokens(encoder, x, keep))
    assert kept.shape == (3, 6, 16)
    other = images(seed=1)
    for row, places in enumerate(keep):
        for place in places:
            rows, columns = (slice(4 * i, 4 * i + 4) for i in divmod(place, 4))
            other[row, rows, columns] = x[row, rows, columns]
    again = numpy(encoders.encode_tokens(encoder, other, keep))
    np.testing.assert_array_equal(again, kept)


def test_tokens_that_are_not_attended_to_change_nothing():
    encoder = small()
    keep = np.array([[3, 7, 9, 0, 0], [1, 2, 4, 6, 8]])
    attended = np.array([[True, True, True, False, False], [True] * 5])
    padded = numpy(encoders.encode_tokens(encoder, images(2), keep, attended))
    first = numpy(encoders.encode_tokens(encoder, images(2), keep[:, :3]))[0]
    second = numpy(encoders.encode_tokens(encoder, images(2), keep))[1]
    np.testing.assert_allclose(padded[0, :4], first, atol=1e-5)
    np.testing.assert_allclose(padded[1], second, atol=1e-5)


def test_drop_path():
    rates = [
        each.drop_path
        for each in small(depth=3, drop_path=0.2).layers
        if isinstance(each, DropPathBlock)
    ]
    assert rates == pytest.approx([0.0, 0.1, 0.2])
    block = DropPathBlock(heads=2, drop_path=0.25, seed=3)
    x = np.random.default_rng(0).normal(size=(400, 3, 8)).astype("float32")
    whole = numpy(block(x))
    # Without the second branch an image keeps all or the whole first one.
    block.linear_2.kernel.assign(0 * block.linear_2.kernel)
    block.linear_2.bias.assign(0 * block.linear_2.bias)
    added = numpy(block(x)) - x
    drawn = numpy(block(x, training=True)) - x
    left_out = np.abs(drawn).max(axis=(1, 2)) == 0
    assert 0.15 < left_out.mean() < 0.35
    np.testing.assert_allclose(drawn[~left_out], added[~left_out] / 0.75, atol=1e-5)
    assert np.abs(whole - x - added).max() > 0
    # Other images at the next draw; the same after a restart.
    again = numpy(block(x, training=True)) - x
    assert ((np.abs(again).max(axis=(1, 2)) == 0) != left_out).any()
    block.draws.assign(0)
    np.testing.assert_array_equal(numpy(block(x, training=True)) - x, drawn)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: encoders.vit(None), "images of one size"),
        (lambda: encoders.vit(18, 4), "Patches of 4 pixels must fill.*18 x 18"),
        (lambda: small(positions="none"), "positions must be one of"),
        (lambda: small(pool="max"), "pool must be"),
        (lambda: small(class_token=False), "pool must be.*class_token=False"),
        (lambda: small(heads=3), "heads must divide the width, 16"),
        (lambda: small(drop_path=1), "drop_path must be below 1"),
        (lambda: small(width=18, positions="sincos"), "multiple of 4"),
        (
            lambda: encoders.encode_tokens(encoders.dim_cnn(16), images()),
            "no part 'positions', which.*tfssl.encoders.vit",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_teacher_keeps_all_blocks_and_a_student_does_not():
    encoder = small(depth=2, drop_path=0.9)
    teacher = Teacher(encoder)
    x = np.random.default_rng(0).uniform(0, 255, (8, *encoder.input_shape[1:]))
    x = x.astype("float32")
    kept = numpy(encoder(x, training=False))
    np.testing.assert_allclose(numpy(teacher(x)), kept, rtol=1e-4, atol=1e-5)
    assert np.abs(numpy(encoder(x, training=True)) - kept).max() > 1e-3
    # As it is saved and evaluated, too.
    copy = encoders.in_float32(teacher.networks[0])
    np.testing.assert_allclose(numpy(copy(x)), kept, rtol=1e-4, atol=1e-5)

import keras
import numpy as np
import pytest
from cases import SIZE, images, one_view
from gradients import gradient_of
from keras import ops

import tfssl
from tfssl.methods import Batch, inpainting
from tfssl.methods.inpainting import _errors


def numpy(x):
    return ops.convert_to_numpy(x)


def small(**kwargs):
    keras.utils.set_random_seed(0)
    encoder = tfssl.encoders.context_cnn(SIZE, width=8, bottleneck=16)
    options = {"adversarial_weight": 0, "width": 8, **kwargs}
    return tfssl.methods.ContextEncoder(encoder, one_view(), **options)


HOLES = ["center", "blocks", "region"]


@pytest.mark.parametrize("hole", HOLES)
def test_what_is_hidden_cannot_reach_the_encoder(hole):
    model = small(hole=hole)
    x = images(4).astype("float32")
    mask = np.broadcast_to(numpy(model.masks(4)) > 0, x.shape)
    changed = np.where(mask, 255 - x, x)
    assert np.abs(changed - x).max() > 0
    seen, again = (numpy(model.hidden_images(i, mask)) for i in (x, changed))
    np.testing.assert_array_equal(seen, again)
    fill = np.broadcast_to(np.array(model.fill, "float32"), x.shape)
    np.testing.assert_array_equal(seen[mask], fill[mask])
    np.testing.assert_array_equal(seen[~mask], x[~mask])


@pytest.mark.parametrize("hole", HOLES)
def test_the_loss_has_no_gradient_outside_the_hole(hole):
    model = small(hole=hole, overlap=0)
    mask = numpy(model.masks(3))
    real = np.zeros(model.framed(images(3)).shape, "float32")
    filling = np.random.default_rng(0).normal(size=real.shape).astype("float32")
    gradient = gradient_of(lambda f: model.reconstruction_loss(f, real, mask), filling)
    inside = np.broadcast_to(numpy(model.framed(mask)) > 0, real.shape)
    assert (gradient[~inside] == 0).all() and (gradient[inside] != 0).all()


def test_full_counts_all_pixels():
    model = small(hole="blocks", loss_region="full")
    real = np.zeros((2, SIZE, SIZE, 3), "float32")
    loss = model.reconstruction_loss(real + 0.5, real, numpy(model.masks(2)))
    assert float(loss) == pytest.approx(0.25)


@pytest.mark.parametrize("hole", HOLES)
def test_a_perfect_filling_costs_nothing_and_a_wrong_one_its_square(hole):
    model = small(hole=hole, overlap=0)
    mask = numpy(model.masks(3))
    real = numpy(model.framed(images(3).astype("float32") / 127.5 - 1))
    assert float(model.reconstruction_loss(real, real, mask)) == 0
    loss = float(model.reconstruction_loss(real + 0.2, real, mask))
    assert loss == pytest.approx(0.04, rel=1e-4)


def test_the_band_counts_ten_times():
    model = small(overlap=2)
    mask = numpy(model.masks(1))
    assert mask.sum() == (SIZE // 2 - 4) ** 2
    real = np.zeros((1, SIZE // 2, SIZE // 2, 3), "float32")
    gradient = gradient_of(lambda f: model.reconstruction_loss(f, real, mask), real + 1)
    interior = gradient[0, 2:-2, 2:-2]
    band = np.delete(gradient[0], slice(2, -2), axis=0)
    np.testing.assert_allclose(band, 10 * interior[0, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(interior, interior[0, 0, 0], rtol=1e-5)
    # The denominator is all of the filling.
    assert interior[0, 0, 0] == pytest.approx(2 / real.size, rel=1e-5)


def test_without_an_adversary_the_loss_is_the_reconstruction():
    loss, logs = small().views_loss(Batch((images().astype("float32"),)))
    assert set(logs) == {"reconstruction_loss"}
    assert float(loss) == float(logs["reconstruction_loss"])


needs_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="an adversary"
)


@needs_tensorflow
def test_the_loss_weighs_both():
    model = small(adversarial_weight=0.001)
    model.compile("sgd")
    loss, logs = model.views_loss(Batch((images().astype("float32"),)))
    expected = 0.001 * logs["fooling_loss"] + 0.999 * logs["reconstruction_loss"]
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


def softplus(x):
    return np.log1p(np.exp(x.astype("float64")))


@needs_tensorflow
def test_the_adversary_learns_to_tell_and_moves_before_the_rest():
    model = small(adversarial_weight=0.5)
    # What a new decoder gives is nearly grey.
    pixels = model.decoder.get_layer("pixels")
    pixels.kernel.assign(50.0 * pixels.kernel)
    model.compile("sgd", adversary_optimizer=keras.optimizers.SGD(1.0))
    x = images().astype("float32")
    filling = model.fillings(x, model.masks(len(x)), training=True)
    real = model.framed(x / 127.5 - 1)

    def losses():
        of_real, of_filling = numpy(model.scores(real)), numpy(model.scores(filling))
        told = softplus(-of_real).mean() + softplus(of_filling).mean()
        return told, softplus(-of_filling).mean()

    told, fooled = losses()
    loss = float(model.adversary_loss(real, filling))
    assert loss == pytest.approx(told, rel=1e-5)
    _, logs = model.views_loss(Batch((x,)))
    told_after, fooled_after = losses()
    assert told_after < told - 1e-2 and fooled_after > fooled + 1e-2
    # It is trained as it was, and fooled as it is after its step.
    assert float(logs["adversary_loss"]) == pytest.approx(told, rel=1e-5)
    assert float(logs["fooling_loss"]) == pytest.approx(fooled_after, rel=1e-4)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow has it")
def test_an_adversary_is_refused_elsewhere():
    with pytest.raises(ValueError, match="or the adversary's weight to 0"):
        small(adversarial_weight=0.001).compile("adam")


@pytest.mark.parametrize("hole", HOLES)
def test_inpainting_leaves_what_is_seen(hole):
    model = small(hole=hole, overlap=1)
    x = images(3)
    mask = None if hole == "center" else numpy(model.masks(3))[..., 0]
    filled = model.inpaint(x, mask)
    if mask is None:
        mask = np.zeros((3, SIZE, SIZE))
        mask[:, 5:11, 5:11] = 1
    inside = mask > 0
    np.testing.assert_array_equal(filled[~inside], x[~inside])
    assert filled.min() >= 0 and filled.max() <= 255
    assert (filled[inside] != x[inside]).mean() > 0.9


@pytest.mark.parametrize("hidden", [0, 1])
def test_nothing_and_everything_can_be_hidden(hidden, monkeypatch):
    model = small(hole="blocks")
    x = images(3).astype("float32")
    mask = np.full((3, SIZE, SIZE, 1), hidden, "float32")
    filling = numpy(model.fillings(x, mask, training=True))
    square = np.square(filling - (x / 127.5 - 1)).mean()
    monkeypatch.setattr(model, "masks", lambda batch: mask)
    loss = float(model.views_loss(Batch((x,)))[0])
    assert loss == pytest.approx(hidden * square, rel=1e-5)
    gradient = gradient_of(lambda f: model.reconstruction_loss(f, x, mask), filling)
    assert np.isfinite(gradient).all() and gradient.any() == hidden
    expected = x
    if hidden:
        expected = (numpy(model.fillings(x, mask)) + 1) * 127.5
    np.testing.assert_allclose(model.inpaint(x, mask[..., 0]), expected, atol=1e-3)


def test_masks_that_cannot_be_filled_are_refused():
    with pytest.raises(ValueError, match="central hole only"):
        small().inpaint(images(2), np.ones((SIZE, SIZE)))
    with pytest.raises(ValueError, match=r"Received: shape \(3, 16, 16, 1\)"):
        small(hole="blocks").inpaint(images(2), np.ones((3, SIZE, SIZE)))


def test_many_images_are_filled_batch_after_batch(monkeypatch):
    model = small(hole="blocks")
    x = images(5)
    mask = numpy(model.masks(5))[..., 0]
    whole, one = model.inpaint(x, mask), model.inpaint(x, mask[0])
    sizes, fillings = [], model.fillings
    monkeypatch.setattr(
        model, "fillings", lambda x, m: sizes.append(len(x)) or fillings(x, m)
    )
    monkeypatch.setattr(inpainting, "_PIXELS", 2 * model.image_size**2)
    np.testing.assert_allclose(model.inpaint(x, mask), whole, atol=1e-3)
    np.testing.assert_allclose(model.inpaint(x, mask[0]), one, atol=1e-3)
    assert sizes == [2, 2, 1] * 2


def test_photos_of_another_size_are_shown_at_that_of_the_network():
    model = small(hole="center")
    large = np.repeat(np.repeat(images(3), 2, axis=1), 3, axis=2)
    ((_, _, rows),) = model.figures(large)
    assert len(rows) == 3
    size = model.image_size
    assert {np.shape(image) for row in rows for _, image in row} == {(size, size, 3)}


def test_the_alexnet_of_the_paper_fills_blocks():
    """227 pixels, no multiple of 4: 6 x 6 places and back."""
    encoder = tfssl.encoders.alexnet(227, width=3)
    model = tfssl.methods.ContextEncoder(
        encoder, hole="blocks", adversarial_weight=0, width=1
    )
    x = np.full((1, 227, 227, 3), 200, "uint8")
    filled = model.inpaint(x)
    assert filled.shape == x.shape
    hidden = (filled != 200).any(axis=(0, 3))
    assert hidden.mean() == pytest.approx(0.25, abs=0.01)
    loss, _ = model.views_loss(Batch((x.astype("float32"),)))
    assert np.isfinite(float(loss))
    with pytest.raises(ValueError, match=r'hole="center".*227, 227'):
        tfssl.methods.ContextEncoder(encoder)


def test_the_order_of_the_batch_is_no_difference():
    """With the hole in the centre; the others are drawn by place."""
    x = images(8).astype("float32")
    loss, turned = (
        float(small().views_loss(Batch((v,)))[0]) for v in (x, x[::-1].copy())
    )
    assert turned == pytest.approx(loss, rel=1e-5)


def test_the_report_measures_the_fillings():
    model = small(overlap=1)
    ((title, caption, rows),) = model.figures(images(20))
    assert len(rows) == 12 and [label for label, _ in rows[0]] == [
        "original",
        "hole",
        "filling",
    ]
    x = images(20).astype("float32")
    filled = model.inpaint(images(20))
    hole = (slice(None), slice(5, 11), slice(5, 11))
    psnr, l1 = _errors(filled[hole], x[hole])
    assert f"fillings: PSNR {psnr:.2f} dB, L1 {l1:.2%}" in caption


def test_errors_of_a_constant_difference():
    psnr, l1 = _errors(np.full(5, 25.5), np.zeros(5))
    assert psnr == pytest.approx(20) and l1 == pytest.approx(0.1)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="hole must be one of"):
        small(hole="corner")
    with pytest.raises(ValueError, match="loss_region must be"):
        small(loss_region="all")
    with pytest.raises(ValueError, match="side that is a multiple of 4"):
        tfssl.methods.ContextEncoder(tfssl.encoders.resnet10(18, stem="small", width=4))
    with pytest.raises(ValueError, match="4 times a power of two"):
        tfssl.encoders.context_cnn(24)

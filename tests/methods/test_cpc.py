import keras
import numpy as np
import pytest
from cases import SIZE, images, make, one_view, patch_encoder
from gradients import gradient_of
from keras import ops

import tfssl
from tfssl.heads import context_network
from tfssl.methods import Batch


def numpy(x):
    return ops.convert_to_numpy(x)


def small(**kwargs):
    keras.utils.set_random_seed(0)
    encoder = tfssl.encoders.patch_grid(patch_encoder(), SIZE, stride=2)
    options = {"filters": 8, "blocks": 2, "steps": [2, 4], **kwargs}
    return tfssl.methods.CPC(encoder, one_view(), **options)


def test_no_scale_is_the_uniform_loss():
    """Over 16 images of 7 x 7 patches."""
    net = tfssl.encoders.resnet10(8, stem="small", width=4, norm="none")
    grid = tfssl.encoders.patch_grid(net, 32)
    model = tfssl.methods.CPC(grid, filters=8, blocks=1, scale=0.0)
    x = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype("float32")
    assert float(model.views_loss(Batch((x,)))[0]) == pytest.approx(6.664409, abs=1e-5)


@pytest.mark.parametrize("blocks", [1, 3])
def test_no_row_of_the_context_sees_a_row_below(blocks):
    net = context_network(6, 8, blocks)
    z = np.random.default_rng(0).normal(size=(2, 7, 7, 6)).astype("float32")
    before = numpy(net(z))
    for row in range(7):
        changed = z.copy()
        changed[:, row] += 1.0
        after = numpy(net(changed))
        np.testing.assert_array_equal(after[:, :row], before[:, :row])
        # It sees itself, and as many rows up as there are blocks.
        differs = np.abs(after - before).max(axis=(0, 2, 3)) > 0
        assert differs[row : row + blocks + 1].all()
        assert not differs[row + blocks + 1 :].any()


def test_the_gradient_of_a_context_reaches_no_row_below():
    net = context_network(6, 8, 2)
    z = np.random.default_rng(0).normal(size=(1, 5, 5, 6)).astype("float32")
    gradient = gradient_of(lambda z: ops.sum(net(z)[:, 2]), z)
    reached = np.abs(gradient).max(axis=(0, 2, 3)) > 0
    np.testing.assert_array_equal(reached, [True, True, True, False, False])


def test_a_patch_is_seen_by_its_own_features_only():
    model = small()
    x = images(1).astype("float32")
    before = numpy(model.encoder(x))
    changed = x.copy()
    changed[:, 10:12, 12:14] = 255 - changed[:, 10:12, 12:14]
    differs = np.abs(numpy(model.encoder(changed)) - before).max(axis=(0, 3)) > 0
    starts = np.arange(5) * 2
    rows = (starts <= 11) & (starts + 8 > 10)
    columns = (starts <= 13) & (starts + 8 > 12)
    np.testing.assert_array_equal(differs, rows[:, None] & columns[None])


def brute_force(model, images):
    """One prediction at a time, in float64."""
    z = numpy(model.encoder(images))
    targets = numpy(model.target(z)).astype("float64")
    candidates = targets.reshape(-1, targets.shape[-1])
    batch, size = len(z), z.shape[1]
    terms = []
    for direction, context in enumerate(model.contexts):
        turned = np.rot90(z, direction, axes=(1, 2)).copy()
        turned_targets = np.rot90(targets, direction, axes=(1, 2))
        c = numpy(context(turned))
        for k, predictor in zip(model.steps, model.predictors[direction], strict=True):
            kernel = numpy(predictor.layers[0].kernel).astype("float64")
            of_step = []
            for image in range(batch):
                for row in range(size - k):
                    for column in range(size):
                        p = model.scale * c[image, row, column] @ kernel
                        scores = candidates @ p
                        own = turned_targets[image, row + k, column] @ p
                        of_step.append(np.log(np.exp(scores).sum()) - own)
            terms.append(np.mean(of_step))
    return np.mean(terms)


@pytest.mark.parametrize("directions", [1, 4])
def test_value_of_the_definition(directions):
    model = small(directions=directions, scale=0.5)
    x = images(2).astype("float32")
    loss = float(model.views_loss(Batch((x,)))[0])
    assert loss == pytest.approx(brute_force(model, x), rel=1e-5)


def test_gradient_of_the_definition():
    """Of the W_k, by differences of the reference."""
    model = small(scale=0.5)
    x = images(2).astype("float32")
    kernel = model.predictors[0][1].layers[0].kernel
    start = numpy(kernel)

    if keras.backend.backend() == "jax":
        import jax

        def loss(value):
            with keras.StatelessScope([(kernel, value)]):
                return model.views_loss(Batch((x,)))[0]

        gradient = np.asarray(jax.grad(loss)(start))
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss, _ = model.views_loss(Batch((x,)))
        gradient = tape.gradient(loss, kernel.value).numpy()
    random = np.random.default_rng(0)
    for _ in range(3):
        direction = random.normal(size=start.shape).astype("float32")
        values = []
        for sign in (1, -1):
            kernel.assign(start + sign * 1e-2 * direction)
            values.append(brute_force(model, x))
        expected = (values[0] - values[1]) / 2e-2
        assert np.sum(gradient * direction) == pytest.approx(
            expected, rel=1e-2, abs=1e-5
        )


@pytest.mark.matrix
def test_default_steps_share_no_pixel():
    """7 x 7 of half-overlapping patches: 2 to 6. 6 x 6 of CPC v2: 3 to 5."""
    small_net = tfssl.encoders.resnet10(8, stem="small", width=4, norm="none")
    grid = tfssl.encoders.patch_grid(small_net, 32)
    assert tfssl.methods.CPC(grid, filters=8, blocks=1).steps == [2, 3, 4, 5, 6]
    net = tfssl.encoders.resnet10(20, stem="small", width=4, norm="none")
    grid = tfssl.encoders.patch_grid(net, 65, stride=9)
    assert tfssl.methods.CPC(grid, filters=8, blocks=1).steps == [3, 4, 5]


def test_the_order_of_the_batch_is_no_difference():
    """Without views of patches, which are drawn by place."""
    x = images(8).astype("float32")
    loss, turned = (
        float(small().views_loss(Batch((v,)))[0]) for v in (x, x[::-1].copy())
    )
    assert turned == pytest.approx(loss, rel=1e-5)


def test_each_patch_is_changed_by_itself():
    model = small(patch_views="PatchViews")
    assert model.patch_views.get_config() == tfssl.views.PatchViews(8).get_config()
    x = np.full((2, SIZE, SIZE, 3), (200, 100, 50), "float32")
    plain, changed = small().grid_features(x), model.grid_features(x)
    assert np.ptp(numpy(plain), axis=(0, 1, 2)).max() < 1e-5
    assert np.ptp(numpy(changed), axis=(1, 2)).max() > 1e-2
    again = model.grid_features(x)
    np.testing.assert_array_equal(numpy(again), numpy(changed))


def test_features_are_the_mean_of_the_grid():
    model = make("cpc")
    x = images(4)
    grid = numpy(model.encoder(x.astype("float32")))
    np.testing.assert_allclose(numpy(model(x)), grid.mean(axis=(1, 2)), rtol=1e-4)


def test_mistakes_are_named():
    with pytest.raises(
        ValueError, match="no part 'patches'.*tfssl.encoders.patch_grid makes it"
    ):
        tfssl.methods.CPC(tfssl.encoders.resnet10(16, stem="small", width=4))
    with pytest.raises(ValueError, match=r"steps=\[5\]"):
        small(steps=[5])
    with pytest.raises(ValueError, match="directions must be 1 or 4"):
        small(directions=2)
    with pytest.raises(ValueError, match="through the statistics of a batch"):
        net = tfssl.encoders.resnet10(8, stem="small", width=4)
        tfssl.encoders.patch_grid(net, 32)
    with pytest.raises(ValueError, match="next smaller side that works is 16"):
        tfssl.encoders.patch_grid(patch_encoder(), 17, stride=2)

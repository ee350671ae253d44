import keras
import numpy as np
import pytest
from cases import SIZE, images
from keras import ops

import tfssl


def numpy(x):
    return ops.convert_to_numpy(x)


def mae(size=16, patch_size=4, **options):
    keras.utils.set_random_seed(0)
    encoder = tfssl.encoders.vit(size, patch_size, width=16, depth=2, heads=2)
    options = {"decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2, **options}
    return tfssl.methods.MAE(encoder, **options)


def batch(x):
    return tfssl.methods.Batch((ops.cast(x, "float32"),))


def data_of(x):
    """A data set of one batch, which are the views themselves."""

    class Data(keras.utils.PyDataset):
        num_batches = 1

        def __getitem__(self, index):
            return {"views": (x.astype("float32"),)}

    return Data()


def pixels_of(patches, size=4):
    """Whether a pixel belongs to one of the patches of its image: [n, SIZE, SIZE]."""
    known = np.zeros((len(patches), (SIZE // size) ** 2, size * size))
    np.put_along_axis(known, patches[:, :, None], 1, axis=1)
    grid = (SIZE // size,) * 2
    return numpy(tfssl.layers.unpatchify(known, grid, channels=1)) > 0


def test_49_of_196_patches_are_seen():
    """And the encoder sees 50 tokens with the class token."""
    model = mae(size=224, patch_size=16)
    assert (model.num_patches, model.kept) == (196, 49)
    x = np.zeros((2, 224, 224, 3), "float32")
    seen, hidden = model.masks(2)
    assert seen.shape == (2, 49) and hidden.shape == (2, 147)
    tokens = tfssl.encoders.encode_tokens(model.encoder, x, seen)
    assert tokens.shape == (2, 50, 16)


def test_each_patch_is_seen_or_hidden_and_masks_differ():
    model = mae()
    seen, hidden = (numpy(each) for each in model.masks(8))
    for row in np.concatenate([seen, hidden], axis=1):
        assert sorted(row) == list(range(16))
    assert len({tuple(sorted(row)) for row in seen}) > 4
    np.testing.assert_array_equal(numpy(model.masks(8)[0]), seen)
    model.step.assign_add(1)
    assert (numpy(model.masks(8)[0]) != seen).any()


def test_each_patch_is_hidden_as_often():
    model = mae()
    hidden = numpy(model.masks(2000)[1])
    counts = np.bincount(hidden.reshape(-1), minlength=16) / 2000
    np.testing.assert_allclose(counts, 0.75, atol=0.05)


def test_predictions_depend_on_what_is_seen_alone():
    model = mae()
    x = images(4).astype("float32")
    seen, hidden = (numpy(each) for each in model.masks(4))
    predicted = numpy(model.predict_patches(x, seen, hidden))
    other = np.where(pixels_of(seen), x, images(4, seed=1))
    np.testing.assert_array_equal(
        numpy(model.predict_patches(other, seen, hidden)), predicted
    )
    changed = np.where(pixels_of(hidden), x, images(4, seed=1))
    assert (numpy(model.predict_patches(changed, seen, hidden)) != predicted).any()


def test_the_order_of_the_patches_means_nothing():
    model = mae()
    x = images(4).astype("float32")
    seen, hidden = (numpy(each) for each in model.masks(4))
    predicted = numpy(model.predict_patches(x, seen, hidden))
    turned = numpy(model.predict_patches(x, seen[:, ::-1], hidden[:, ::-1]))
    np.testing.assert_allclose(turned[:, ::-1], predicted, atol=1e-5)


@pytest.mark.parametrize("normalize", [True, False])
def test_the_loss_is_the_papers(normalize):
    """Written out with masks over all patches, as in the authors' code."""
    model = mae(normalize_targets=normalize)
    x = images(4).astype("float32") + np.random.default_rng(0).uniform(
        size=(4, 1, 1, 1)
    )
    seen, hidden = (numpy(each) for each in model.masks(4))
    mask = np.zeros((4, 16))
    np.put_along_axis(mask, hidden, 1, axis=1)
    predicted = np.zeros((4, 16, 48), "float32")
    rows = np.arange(4)[:, None]
    predicted[rows, hidden] = numpy(model.predict_patches(x, seen, hidden))
    # Patches from left to right, pixels p, p, 3.
    target = np.stack(
        [
            [
                image[4 * i : 4 * i + 4, 4 * j : 4 * j + 4].reshape(-1)
                for i in range(4)
                for j in range(4)
            ]
            for image in x / 255
        ]
    )
    if normalize:
        mean = target.mean(axis=-1, keepdims=True)
        variance = target.var(axis=-1, ddof=1, keepdims=True)
        target = (target - mean) / np.sqrt(variance + 1e-6)
    expected = (mask * np.square(predicted - target).mean(axis=-1)).sum() / mask.sum()
    assert float(model.views_loss(batch(x))[0]) == pytest.approx(expected, rel=1e-4)


def test_the_pixels_of_seen_patches_are_no_target(monkeypatch):
    model = mae()
    x = images(4).astype("float32")
    seen, hidden = (numpy(each) for each in model.masks(4))
    before = float(model.views_loss(batch(x))[0])
    targets = model.targets
    for places, moves in ((seen, False), (hidden, True)):
        added = np.zeros((4, 16, 1), "float32")
        np.put_along_axis(added, places[:, :, None], 1, axis=1)
        monkeypatch.setattr(model, "targets", lambda x, a=added: targets(x) + a)
        assert (float(model.views_loss(batch(x))[0]) != before) == moves


def test_normalised_targets_have_mean_0_and_variance_1():
    noise = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype("float32")
    target = numpy(mae().targets(noise))
    np.testing.assert_allclose(target.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(target.var(axis=-1, ddof=1), 1, atol=1e-3)


def test_patches_and_back():
    x = images(3)
    patches = tfssl.layers.patchify(x, 4)
    np.testing.assert_array_equal(numpy(tfssl.layers.unpatchify(patches, (4, 4))), x)


@pytest.mark.matrix
def test_it_learns_to_paint():
    """Who does not look at the patches that are seen cannot get below 47 / 48."""
    model = mae(mask_ratio=0.5)
    # Stripes: the patches that are seen say which way they run, and where they are.
    phase = np.random.default_rng(0).uniform(0, 6, 64)
    waves = np.sin(np.arange(SIZE) / 2 + phase[:, None])[:, :, None]
    waves = np.where(np.arange(64)[:, None, None] % 2, waves, waves.transpose(0, 2, 1))
    x = np.zeros((64, SIZE, SIZE, 3)) + 127 + 100 * waves[..., None]
    model.compile(keras.optimizers.Adam(3e-3))
    data = data_of(x)
    history = model.fit(data, epochs=150, verbose=0).history
    assert history["loss"][0] > 0.9
    assert history["loss"][-1] < 0.8


@pytest.mark.parametrize("normalize", [True, False])
def test_figures(normalize):
    """What is seen is shown as it is; a perfect decoder would paint the image."""
    model = mae(normalize_targets=normalize)
    x = images(16)
    seen, hidden = (numpy(each) for each in model.masks(12))
    perfect = ops.take_along_axis(model.targets(x[:12]), hidden[:, :, None], axis=1)
    model.predict_patches = lambda *args: perfect
    ((_, caption, rows),) = model.figures(x)
    assert "4 of 16 patches" in caption and len(rows) == 12
    known = pixels_of(seen)
    for i, ((_, original), (_, masked), (_, painted)) in enumerate(rows):
        np.testing.assert_array_equal(original, x[i])
        np.testing.assert_allclose(painted, x[i], atol=0.1)
        np.testing.assert_array_equal(masked, np.where(known[i], x[i], 127.5))


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.99, 1.0])
def test_a_ratio_that_hides_nothing_or_all_is_refused(ratio):
    if ratio == 0.01:
        # A whole number of patches is seen: 15 of 16.
        assert mae(mask_ratio=ratio).kept == 15
        return
    with pytest.raises(ValueError, match="at least one of 16 patches, and not all"):
        mae(mask_ratio=ratio)


def test_another_encoder_is_refused():
    with pytest.raises(ValueError, match="no part 'patch_embedding'.*encoders.vit"):
        tfssl.methods.MAE(tfssl.encoders.resnet10(16, stem="small", width=4))


@pytest.mark.matrix
def test_an_encoder_at_another_size_trains():
    encoder = tfssl.encoders.vit(16, 4, width=16, depth=1)
    model = tfssl.methods.MAE(
        tfssl.encoders.at_size(encoder, 24), decoder_width=16, decoder_depth=1
    )
    assert model.grid == (6, 6)
    model.compile("adam")
    model.fit(images(8), batch_size=8, epochs=1, verbose=0)


def test_views_of_another_size_than_the_encoders_are_refused():
    for size in ((8, 16), 16):
        encoder = tfssl.encoders.vit(size, 4, width=16, depth=1)
        views = tfssl.views.CropViews(image_size=8, num_views=1)
        options = {"decoder_width": 16, "decoder_depth": 1}
        ours = tfssl.methods.MAE(encoder, views, **options)
        with pytest.raises(ValueError, match=r"16\). Received: \(8, 8\)"):
            ours.views_loss(batch(images(4)[:, :8, :8]))
    # Square ones are what a method chooses.
    encoder = tfssl.encoders.vit((8, 16), 4, width=16, depth=1)
    with pytest.raises(ValueError, match="square images of a known size alone"):
        tfssl.methods.MAE(encoder)

import keras
import numpy as np
import pytest
from cases import SIZE, images
from keras import ops

import tfssl
from tfssl.views import block_masks

pytestmark = pytest.mark.usefixtures("eager")


def numpy(x):
    return ops.convert_to_numpy(x)


def ijepa(size=16, patch_size=2, encoder=None, **options):
    keras.utils.set_random_seed(0)
    encoder = encoder or tfssl.encoders.vit(
        size, patch_size, width=16, depth=2, heads=2, class_token=False, pool="mean"
    )
    options = {"predictor_width": 16, "predictor_depth": 1, **options}
    return tfssl.methods.IJEPA(encoder, **options)


def batch(x):
    return tfssl.methods.Batch((ops.cast(x, "float32"),))


def masks(model, count=16):
    """The masks of a step, without what fills them up."""
    context, attended, targets, area = (numpy(each) for each in model.masks(count))
    assert (np.sort(~attended, axis=1) == ~attended).all()
    return (
        [row[seen] for row, seen in zip(context, attended, strict=True)],
        targets[:, :, :area],
    )


def test_sizes_of_blocks():
    """One number for scale and aspect: int(196 * .15) = 29, int(196 * .2) = 39."""
    sizes = block_masks.block_sizes((14, 14), (0.15, 0.2), (0.75, 1.5))
    assert sizes[0].tolist() == [round((29 * 0.75) ** 0.5), round((29 / 0.75) ** 0.5)]
    assert sizes[-1].tolist() == [round((39 * 1.5) ** 0.5), round((39 / 1.5) ** 0.5)]
    assert (np.diff(sizes[:, 0]) >= 0).all()
    # Below the grid, as the reference has it.
    context = block_masks.block_sizes((14, 14), (0.85, 1.0), (1.0, 1.0))
    assert {tuple(size) for size in context} == {(13, 13)}


def test_blocks_are_in_every_place_of_the_grid():
    for size in ([3, 2], [1, 1], [3, 5]):
        places = np.random.default_rng(0).uniform(size=(500, 2)).astype("float32")
        made = numpy(block_masks.blocks((4, 6), np.array(size, "int32"), places))
        assert (made.sum(axis=1) == size[0] * size[1]).all()
        assert made.any(axis=0).all()
        for block in made[:20].reshape(-1, 4, 6):
            rows, columns = block.any(axis=1), block.any(axis=0)
            assert (np.outer(rows, columns) == block).all()
            assert (rows.sum(), columns.sum()) == tuple(size)


@pytest.mark.parametrize("patch_size", [2, 4])
def test_context_and_targets_share_no_patch(patch_size):
    model = ijepa(patch_size=patch_size)
    grid = SIZE // patch_size
    sizes = set()
    for _ in range(6):
        contexts, targets = masks(model)
        areas = {len(set(block)) for image in targets for block in image}
        # One size for all blocks of the step.
        assert len(areas) == 1
        sizes |= areas
        assert targets.min() >= 0 and targets.max() < grid**2
        for context, blocks in zip(contexts, targets, strict=True):
            assert len(set(context)) == len(context)
            assert not set(context) & set(blocks.reshape(-1))
        # Blocks of an image, and of two images, are in places of their own.
        assert len({tuple(block) for image in targets for block in image}) > 4
        model.step.assign_add(1)
    assert len(sizes) > 1 or patch_size == 4


def test_enough_context_is_left_where_it_can_be():
    model = ijepa(224, 16)
    lengths = []
    for _ in range(4):
        lengths += [len(context) for context in masks(model, 64)[0]]
        model.step.assign_add(1)
    assert min(lengths) >= 10
    # As much as there is room for, or as there is.
    assert max(lengths) == model.context_tokens == 98


def test_a_context_that_is_too_large_is_thinned_out_at_random():
    model = ijepa(context_tokens=5)
    contexts, _ = masks(model, 500)
    assert {len(context) for context in contexts} == {5}
    assert len(np.unique(np.concatenate(contexts))) == 64


def test_what_the_context_does_not_hold_changes_no_prediction():
    model = ijepa(patch_size=4)
    x = images(4).astype("float32")
    made = [numpy(each) for each in model.masks(4)]
    context, attended, targets, count = made
    predicted = numpy(model.predict_features(x, *made))
    seen = np.zeros((4, 16), bool)
    for row, (places, known) in enumerate(zip(context, attended, strict=True)):
        seen[row, places[known]] = True
    pixels = np.repeat(seen[:, :, None], 4 * 4 * 3, axis=2)
    pixels = numpy(tfssl.layers.unpatchify(pixels, (4, 4)))
    other = np.where(pixels, x, images(4, seed=1))
    again = numpy(model.predict_features(other, *made))
    np.testing.assert_allclose(again[:, :, :count], predicted[:, :, :count], atol=1e-5)
    assert (
        np.abs(
            numpy(model.target_features(other)) - numpy(model.target_features(x))
        ).max()
        > 0.1
    )
    changed = np.where(pixels, images(4, seed=1), x)
    again = numpy(model.predict_features(changed, *made))
    assert np.abs(again - predicted)[:, :, :count].max() > 1e-3


def test_what_fills_up_changes_nothing():
    """A block is predicted as if it were asked for alone, without filling."""
    model = ijepa(patch_size=2)
    x = images(4).astype("float32")
    while True:
        context, attended, targets, count = (numpy(each) for each in model.masks(4))
        if count < model.largest_target and not attended.all():
            break
        model.step.assign_add(1)
    predicted = numpy(model.predict_features(x, context, attended, targets, count))
    for row in range(4):
        known = context[row : row + 1, attended[row]]
        tokens = tfssl.encoders.encode_tokens(model.encoder, x[row : row + 1], known)
        for block in range(4):
            asked = targets[row : row + 1, block, :count]
            alone = numpy(model.predictor(tokens, known, asked))
            np.testing.assert_allclose(
                predicted[row, block, :count], alone[0], atol=1e-4
            )


def test_the_loss_is_the_mean_of_smooth_l1_over_the_blocks():
    model = ijepa(patch_size=2)
    x = images(4).astype("float32")
    context, attended, targets, count = (numpy(each) for each in model.masks(4))
    predicted = numpy(model.predict_features(x, context, attended, targets, count))
    features = numpy(model.target_features(x))
    errors = []
    for row in range(4):
        for block in range(4):
            for place in range(count):
                target = features[row, targets[row, block, place]]
                d = np.abs(predicted[row, block, place] - target)
                errors.append(np.where(d < 1, 0.5 * d**2, d - 0.5).mean())
    loss = float(model.views_loss(batch(x))[0])
    assert loss == pytest.approx(np.mean(errors), rel=1e-4)


def test_targets_are_normalised_features_of_the_teacher():
    model = ijepa(patch_size=4)
    x = images(4)
    features = numpy(model.target_features(x))
    np.testing.assert_allclose(features.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(features.var(axis=-1), 1, atol=1e-2)
    for w in model.encoder.trainable_weights:
        w.assign(w + 1.0)
    np.testing.assert_array_equal(numpy(model.target_features(x)), features)
    model.teacher.update(0.0)
    assert np.abs(numpy(model.target_features(x)) - features).max() > 0.01


def test_the_teacher_moves_after_the_optimizer_by_its_momentum():
    model = ijepa(patch_size=4, momentum=0.75)
    model.compile(keras.optimizers.SGD(0.1))
    before = [numpy(w) for w in model.teacher.weights]
    model.fit(images(8), batch_size=8, epochs=1, verbose=0)
    moved = 0.0
    pairs = zip(before, model.teacher.weights, model.encoder.weights, strict=True)
    for old, now, student in pairs:
        expected = 0.75 * old + 0.25 * numpy(student)
        np.testing.assert_allclose(numpy(now), expected, atol=1e-6)
        moved = max(moved, np.abs(numpy(now) - old).max())
    assert moved > 0


def test_an_encoder_with_a_class_token():
    encoder = tfssl.encoders.vit(16, 4, width=16, depth=1)
    model = ijepa(encoder=encoder)
    assert model.target_features(images(2)).shape == (2, 16, 16)
    model.compile("adam")
    history = model.fit(images(8), batch_size=8, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"][0])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"target_scale": (0.7, 0.9)}, "may leave nothing of a context of 49"),
        ({"momentum": 1.5}, "momentum must be"),
        ({"target_scale": (0.5, 1.5)}, "target_scale must be.*target_scale=1.5"),
        ({"context_scale": (0.5, 1.5)}, "context_scale must be.*context_scale=1.5"),
        ({"target_aspect": (0.0, 1.5)}, "target_aspect must be"),
        ({"context_tokens": 0}, "context_tokens must be"),
        ({"num_targets": 0}, "num_targets must be"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        ijepa(**options)


def test_another_encoder_is_refused():
    encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
    with pytest.raises(ValueError, match="no part 'patch_embedding'.*encoders.vit"):
        ijepa(encoder=encoder)


def test_views_of_another_size_than_the_encoders_are_refused():
    encoder = tfssl.encoders.vit(16, 4, width=16, depth=1)
    views = tfssl.views.CropViews(image_size=8, num_views=1)
    model = tfssl.methods.IJEPA(encoder, views, predictor_width=16, predictor_depth=1)
    small = ops.zeros((4, 8, 8, 3))
    with pytest.raises(ValueError, match=r"\(16, 16\). Received: \(8, 8\)"):
        model.views_loss(tfssl.methods.Batch((small,)))

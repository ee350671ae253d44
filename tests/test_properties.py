"""What holds for all input: of views, losses, data and schedules."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

import tfssl
from tfssl import losses
from tfssl.data import pixels
from tfssl.data.splits import Division

# The same input at each run, and as long as it takes.
holds = settings(max_examples=25, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 2**31 - 1)
sides = st.integers(1, 40)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@holds
@given(seed=seeds, batch=st.integers(1, 5), height=sides, width=sides, size=sides)
def test_views_of_any_image(seed, batch, height, width, size):
    """In range, repeatable, and of a part of a batch those within the batch."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    views = tfssl.views.SimCLRViews(size)
    made = [ops.convert_to_numpy(view) for view in views(images, seed=seed)]
    for view in made:
        assert view.shape == (batch, size, size, 3) and view.dtype == np.float32
        assert 0 <= view.min() and view.max() <= 255
    for view, again in zip(made, views(images, seed=seed), strict=True):
        np.testing.assert_array_equal(view, ops.convert_to_numpy(again))
    rows = random.permutation(batch)[: batch // 2 + 1].astype("int32")
    part = views(images[rows], seed=seed, places=(rows, batch))
    for view, own in zip(made, part, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(own), view[rows], atol=0.05)


@holds
@given(seed=seeds, batch=st.integers(2, 12), dim=st.integers(2, 16))
def test_losses_do_not_ask_for_the_order_of_images(seed, batch, dim):
    a, b = normal(seed, 2, batch, dim)
    order = np.random.default_rng(seed).permutation(batch)
    for loss in (
        losses.nt_xent,
        losses.cosine_distance,
        lambda a, b: losses.barlow_twins(a, b) if batch > 2 else 0.0,
        lambda a, b: losses.variance_hinge(a) + losses.covariance(b),
    ):
        expected = float(ops.mean(loss(a, b)))
        found = float(ops.mean(loss(a[order], b[order])))
        assert np.isfinite(expected)
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)


@holds
@given(seed=seeds, batch=st.integers(2, 12), length=st.floats(1e-3, 1e3))
def test_nt_xent_looks_at_directions_and_is_bounded(seed, batch, length):
    a, b = normal(seed, 2, batch, 8)
    loss = float(ops.mean(losses.nt_xent(a, b, temperature=0.5)))
    scaled = float(ops.mean(losses.nt_xent(a * length, b, temperature=0.5)))
    assert scaled == pytest.approx(loss, rel=1e-4)
    # All alike gives the logarithm of the others; cosines are within 1 of each other.
    others = np.log(2 * batch - 1)
    assert others - 4 <= loss <= others + 4
    alike = np.ones((batch, 8), "float32")
    assert float(ops.mean(losses.nt_xent(alike, alike))) == pytest.approx(others, 1e-4)


@holds
@given(seed=seeds, rows=st.integers(2, 20), prototypes=st.integers(2, 12))
def test_sinkhorn_gives_each_image_one_share(seed, rows, prototypes):
    scores = np.clip(normal(seed, rows, prototypes) / 3, -1, 1)
    codes = ops.convert_to_numpy(losses.sinkhorn(scores))
    assert (codes >= 0).all()
    np.testing.assert_allclose(codes.sum(axis=1), 1.0, rtol=1e-4)


@holds
@given(
    labels=st.lists(st.integers(0, 5), min_size=2, max_size=80),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_a_division_takes_of_each_class_and_leaves_some(labels, fraction, seed):
    labels = np.array(labels)
    division = Division(fraction, seed)
    if np.bincount(labels).max() < 2:
        with pytest.raises(ValueError, match="no class of two images"):
            division.rows("test", len(labels), labels, "mine")
        return
    train, test = (
        division.rows(split, len(labels), labels, "mine") for split in ("train", "test")
    )
    assert sorted([*train, *test]) == list(range(len(labels)))
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        taken = (labels[test] == label).sum()
        assert (taken >= 1 or count == 1) and taken < count
        assert abs(taken - fraction * count) <= 1


@holds
@given(
    images=hnp.arrays(
        np.uint8, st.tuples(st.just(2), sides, sides, st.sampled_from([1, 3]))
    ),
    size=sides,
)
def test_images_are_brought_to_any_size(images, size):
    found = pixels.rgb_batch(images, size)
    assert found.shape == (2, size, size, 3) and found.dtype == np.uint8
    # Nothing darker or lighter than what was there, but for rounding.
    assert int(images.min()) - 1 <= found.min() <= found.max() <= int(images.max()) + 1


@holds
@given(seed=seeds, bank=st.integers(5, 60), k=st.integers(1, 5))
def test_neighbours_do_not_ask_for_the_order_of_the_bank(seed, bank, k):
    random = np.random.default_rng(seed)
    features, queries = normal(seed, bank, 4), normal(seed + 1, 7, 4)
    labels, order = random.integers(0, 3, bank), random.permutation(bank)
    found = tfssl.transfer.knn_predict(features, labels, queries, k)
    again = tfssl.transfer.knn_predict(features[order], labels[order], 3 * queries, k)
    np.testing.assert_array_equal(found, again)


@holds
@given(
    total=st.integers(1, 1000),
    warmup=st.floats(0, 1),
    peak=st.floats(1e-6, 10),
    moment=st.floats(0, 2),
)
def test_a_rate_stays_between_nothing_and_its_peak(total, warmup, peak, moment):
    rate = tfssl.optimizers.WarmupCosine(peak, total, int(warmup * total))
    assert -1e-6 * peak <= float(rate(int(moment * total))) <= peak * (1 + 1e-6)

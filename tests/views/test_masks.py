import keras
import numpy as np
import pytest
from keras import ops

from tfssl.views import RandomStream, masks


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("size", [16, 32, 128])
def test_the_centre_is_a_quarter(size):
    mask = masks.center_mask(size)
    assert mask.mean() == 0.25 and mask[0, size // 2, size // 2, 0] == 1
    smaller = masks.center_mask(size, margin=2)
    assert smaller.sum() == (size // 2 - 4) ** 2 and (smaller <= mask).all()


@pytest.mark.parametrize("size", [16, 64])
def test_blocks_hide_about_a_quarter(size):
    mask = numpy(masks.block_masks(200, size, RandomStream(3)))
    assert set(np.unique(mask)) == {0, 1} and mask.shape == (200, size, size, 1)
    shares = mask.mean(axis=(1, 2, 3))
    # The last rectangle may add up to 0.4 x 0.4.
    assert shares.max() < 0.25 + 0.2
    assert 0.25 <= np.median(shares) < 0.32 and (shares > 0.2).mean() > 0.95
    assert len(np.unique(mask, axis=0)) == 200


def test_regions_hide_what_they_are_told():
    mask = numpy(masks.region_masks(300, 32, RandomStream(3)))
    shares = mask.mean(axis=(1, 2, 3))
    assert shares.min() >= 0.2 - 1e-3 and shares.max() <= 0.3 + 1e-3
    assert np.ptp(shares) > 0.08 and shares.mean() == pytest.approx(0.25, abs=0.005)
    # Regions, not dots: a hidden pixel's neighbour is mostly hidden too.
    inside = mask[:, :, 1:][mask[:, :, :-1] == 1]
    assert inside.mean() > 0.7


def test_the_same_stream_gives_the_same_masks():
    for make in (masks.block_masks, masks.region_masks):
        a, b, c = (numpy(make(4, 16, RandomStream(seed))) for seed in (1, 1, 2))
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


@pytest.mark.parametrize("size, margin", [(18, 0), (0, 0), (16, 4), (16, -1)])
def test_a_centre_that_is_no_hole_is_refused(size, margin):
    with pytest.raises(ValueError, match="Received: "):
        masks.center_mask(size, margin)


@pytest.mark.parametrize("area", [0, -0.1, 0.5, 1.0])
def test_blocks_that_rectangles_cannot_hide_are_refused(area):
    with pytest.raises(ValueError, match=f"12 rectangles .*area={area}"):
        masks.block_masks(2, 16, RandomStream(0), area)


@pytest.mark.parametrize("area", [(0, 0.4), (0.3, 0.2), (0.5, 1.0)])
def test_regions_hide_a_part(area):
    with pytest.raises(ValueError, match="smallest and the largest fraction"):
        masks.region_masks(2, 16, RandomStream(0), area)


def test_the_program_of_blocks_does_not_grow_with_their_number(monkeypatch):
    """Unrolled, 128 masks of 16 pixels took XLA minutes to compile."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("counted on TensorFlow")

    def operations(blocks):
        monkeypatch.setattr(masks, "_BLOCKS", blocks)
        make = tf.function(lambda key: masks.block_masks(2, 16, RandomStream(key)))
        function = make.get_concrete_function(tf.TensorSpec((2,), "int32"))
        return len(function.graph.as_graph_def().node)

    assert operations(3) == operations(30)

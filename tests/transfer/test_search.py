"""The index of similar images."""

import numpy as np
import pytest
from cases import encoder, images

from tfssl.transfer import Index


def index(n=50, dim=6, seed=0):
    features = np.random.default_rng(seed).normal(size=(n, dim))
    return features, Index(features, [f"{i}.png" for i in range(n)], "zoo:mine", "abc")


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_nearest_are_those_of_all_pairs(block):
    bank, made = index()
    queries = np.random.default_rng(1).normal(size=(9, 6))
    cosine = queries @ bank.T
    cosine /= np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(bank, axis=1)
    for row, answer in zip(cosine, made.search(queries, 4, block), strict=True):
        ranked = np.argsort(-row)[:4]
        assert [path for path, _ in answer] == [f"{i}.png" for i in ranked]
        np.testing.assert_allclose([s for _, s in answer], row[ranked], atol=1e-5)


def test_it_is_saved_and_loaded(tmp_path):
    _, made = index()
    made.save(tmp_path / "index.npz")
    loaded = Index.load(tmp_path / "index.npz")
    facts = loaded.paths, loaded.encoder, loaded.weights
    assert facts == (made.paths, "zoo:mine", "abc")
    np.testing.assert_allclose(loaded.features, made.features, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["index.npz"]


def test_an_image_is_nearest_to_itself():
    model, bank = encoder(), images(12)
    made = Index.of_images(model, bank, range(12))
    found = made.search_images(model, bank, k=1)
    assert [answer[0][0] for answer in found] == [str(i) for i in range(12)]
    np.testing.assert_allclose([answer[0][1] for answer in found], 1, atol=1e-5)
    assert len(made.search_images(model, bank[:1], k=99)[0]) == 12


def test_another_encoder_is_refused():
    """Of the same shape, so that nothing but its weights tells."""
    bank = images(4)
    made = Index.of_images(encoder(), bank, range(4), "runs/a/encoder.keras")
    with pytest.raises(ValueError, match="another encoder, runs/a/encoder.keras"):
        made.search_images(encoder(), bank)


def test_what_is_refused(tmp_path):
    _, made = index()
    with pytest.raises(ValueError, match=r"\[n, 6\] of zoo:mine.*\(1, 5\)"):
        made.search(np.ones((1, 5)))
    with pytest.raises(ValueError, match="k"):
        made.search(np.ones((1, 6)), k=0)
    with pytest.raises(ValueError, match="a path for each.*49 paths"):
        Index(np.ones((50, 6)), ["a"] * 49)
    with pytest.raises(ValueError, match="must be finite"):
        made.search(np.full((1, 6), np.nan))
    with pytest.raises(ValueError, match="must be finite"):
        Index(np.full((1, 6), np.inf), ["a"])
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Index.load(tmp_path / "none.npz")
    for name, content in (("text.npz", b"no index"), ("half.npz", None)):
        if content is None:
            made.save(tmp_path / name)
            content = (tmp_path / name).read_bytes()[:500]
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="is no index of images"):
            Index.load(tmp_path / name)
    np.savez(tmp_path / "other.npz", features=np.ones((2, 2)))
    with pytest.raises(ValueError, match="is no index of images"):
        Index.load(tmp_path / "other.npz")

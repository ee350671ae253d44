import numpy as np
import pytest
from PIL import Image

from tfssl.data import load, pixels, storage
from tfssl.data.splits import Division

# Classes of 1, 2, 3, 10 and 25 images, mixed.
LABELS = np.random.default_rng(1).permutation(np.repeat(range(5), [1, 2, 3, 10, 25]))


def divided(labels, count=None, **options):
    division = Division(**options)
    count = len(labels) if count is None else count
    return [division.rows(split, count, labels, "mine") for split in ("train", "test")]


@pytest.mark.parametrize(
    "fraction, counts",
    [
        (0.2, [0, 1, 1, 2, 5]),
        (0.5, [0, 1, 2, 5, 12]),
        (0.01, [0, 1, 1, 1, 1]),
        # Something is left to learn from.
        (0.99, [0, 1, 2, 9, 24]),
    ],
)
def test_each_class_is_divided(fraction, counts):
    train, test = divided(LABELS, test_fraction=fraction)
    np.testing.assert_array_equal(np.bincount(LABELS[test], minlength=5), counts)
    np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(41))
    assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()


def test_the_seed_alone_draws():
    first = divided(LABELS, test_fraction=0.2)[1]
    np.testing.assert_array_equal(first, divided(LABELS, test_fraction=0.2)[1])
    assert (first != divided(LABELS, test_fraction=0.2, seed=1)[1]).any()
    # Not the first of each class, nor the last.
    rows = np.flatnonzero(LABELS == 4)
    chosen = np.isin(rows, first)
    assert chosen.sum() == 5 and not chosen[:5].all() and not chosen[-5:].all()


def test_without_labels_at_random():
    train, test = divided(None, 10, test_fraction=0.3)
    assert len(test) == 3 and sorted([*train, *test]) == list(range(10))
    assert divided(None, 10) == [None, None]


def test_nothing_to_divide():
    with pytest.raises(ValueError, match="mine has no class of two images or more"):
        divided(np.arange(4), test_fraction=0.5)


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1, float("nan"), "0.2"])
def test_a_fraction_is_between_0_and_1(fraction):
    with pytest.raises(ValueError, match="between 0 and 1.*Received"):
        load("digits", test_fraction=fraction)


def test_a_seed_is_a_count():
    with pytest.raises(ValueError, match="seed must be a whole number"):
        load("digits", seed=-1)


def test_a_set_with_a_test_split_keeps_it(tmp_path):
    images = np.zeros((4, 2, 2), np.uint8)
    np.savez(tmp_path / "set.npz", x_train=images, x_test=images)
    (tmp_path / "test").mkdir()
    for name in ("digits", f"npz:{tmp_path / 'set.npz'}", f"folder:{tmp_path}"):
        for split in ("train", "test"):
            with pytest.raises(ValueError, match="test split of its own. Leave out"):
                load(name, split, test_fraction=0.2)


def test_images_held_out_are_training_images(tmp_path):
    images = np.arange(40, dtype=np.uint8)[:, None, None] * np.ones((2, 2), np.uint8)
    labels = np.repeat([0, 1], 10)
    np.savez(
        tmp_path / "set.npz", x_train=images[:20], y_train=labels, x_test=images[20:]
    )
    name = f"npz:{tmp_path / 'set.npz'}"
    train, held = (load(name, split, hold_out=0.2) for split in ("train", "test"))
    assert np.bincount(held.labels).tolist() == [2, 2] and held.split == "test"
    together = np.r_[train.images[:, 0, 0, 0], held.images[:, 0, 0, 0]]
    assert sorted(together) == list(range(20))
    with pytest.raises(ValueError, match="hold_out must be a number between 0 and 1"):
        load(name, hold_out=1.0)
    with pytest.raises(ValueError, match="Leave out one of them"):
        load(name, hold_out=0.2, test_fraction=0.2)


def test_only_train_and_test_are_made(tmp_path):
    np.savez(tmp_path / "set.npz", x_train=np.zeros((4, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="'train' and 'test'. Received: .*'val'"):
        load(f"npz:{tmp_path / 'set.npz'}", "val", test_fraction=0.5)
    with pytest.raises(ValueError, match="has no split 'test'.*test_fraction=0.2"):
        load(f"npz:{tmp_path / 'set.npz'}", "test")


@pytest.mark.parametrize("limit", [2**31, 10])
def test_arrays_are_divided(tmp_path, limit, monkeypatch):
    monkeypatch.setattr(storage, "MEMORY_LIMIT", limit)
    images = np.random.default_rng(0).integers(0, 256, (41, 3, 3, 3), np.uint8)
    np.savez(tmp_path / "set.npz", x_train=images, y_train=LABELS)
    rows = divided(LABELS, test_fraction=0.2, seed=3)
    for split, wanted in zip(("train", "test"), rows, strict=True):
        data = load(f"npz:{tmp_path / 'set.npz'}", split, test_fraction=0.2, seed=3)
        assert data.split == split
        assert isinstance(data.images, np.memmap) == (limit == 10)
        np.testing.assert_array_equal(data.images, images[wanted])
        np.testing.assert_array_equal(data.labels, LABELS[wanted])


@pytest.fixture
def classes(tmp_path):
    """Classes of 5 and 10 images, each of a level of grey of its own."""
    for name, count in (("a", 5), ("b", 10)):
        (tmp_path / name).mkdir()
        for i in range(count):
            level = 10 * i + (name == "b")
            Image.new("L", (4, 4), level).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_a_folder_is_divided_and_only_a_part_of_it_decoded(classes, monkeypatch):
    name = f"folder:{classes}"
    whole = load(name, image_size=4)
    opened = []
    decode = pixels.decode

    def counted(path, size):
        opened.append(path)
        return decode(path, size)

    monkeypatch.setattr(pixels, "decode", counted)
    test = load(name, "test", image_size=4, test_fraction=0.2)
    assert sorted(opened) == sorted(test.paths)
    train = load(name, image_size=4, test_fraction=0.2)
    np.testing.assert_array_equal(np.bincount(test.labels), [1, 2])
    np.testing.assert_array_equal(np.bincount(train.labels), [4, 8])
    assert sorted(train.paths + test.paths) == sorted(whole.paths)
    for part in (train, test):
        assert part.class_names == ("a", "b")
        rows = [whole.paths.index(path) for path in part.paths]
        np.testing.assert_array_equal(part.images, whole.images[rows])
        np.testing.assert_array_equal(part.labels, whole.labels[rows])


def test_a_corrupt_file_changes_no_split(classes):
    name, options = f"folder:{classes}", {"image_size": 4, "test_fraction": 0.4}
    before = load(name, "test", **options).paths
    (classes / "b" / "0.png").write_bytes(b"no image")
    parts = [load(name, s, max_corrupt=0.5, **options) for s in ("train", "test")]
    assert sum((part.skipped for part in parts), ()) == ("b/0.png",)
    assert set(before) - {f"{classes}/b/0.png"} == set(parts[1].paths)
    assert len(parts[0]) + len(parts[1]) == 14


def test_images_without_a_label_are_no_test_images():
    labels = np.where(np.arange(41) % 3, LABELS, -1)
    train, test = divided(labels, test_fraction=0.5)
    known = np.flatnonzero(labels >= 0)
    _, as_if_alone = divided(labels[known], test_fraction=0.5)
    np.testing.assert_array_equal(test, known[as_if_alone])
    np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(41))

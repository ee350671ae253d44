import keras
import numpy as np
import pytest
from keras import ops

from tfssl.views import RandomStream, fold_in, random


def numbers(key, shape=(1000,), draws=1):
    stream = RandomStream(key)
    return [ops.convert_to_numpy(stream.uniform(shape)) for _ in range(draws)][-1]


@pytest.mark.parametrize(
    "key, counter, expected",
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (
            (0x13198A2E, 0x03707344),
            (0x243F6A88, 0x85A308D3),
            (0xC4923A9C, 0x483DF7A0),
        ),
    ],
)
def test_threefry_gives_the_known_answers(key, counter, expected):
    """The answers that the authors' Random123 library ships (kat_vectors)."""

    def words(pair):
        return tuple(ops.convert_to_tensor(np.uint32([w])) for w in pair)

    drawn = random._threefry(words(key), words(counter))
    assert tuple(int(w[0]) for w in drawn) == expected


def test_numbers_are_uniform():
    drawn = numbers(3, (200, 100))
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0 and drawn.max() < 1
    # Largest distance of the empirical distribution: 1.95 / sqrt(n) at 0.1 %.
    ranks = (np.arange(drawn.size) + 0.5) / drawn.size
    assert np.abs(np.sort(drawn.ravel()) - ranks).max() < 1.95 / np.sqrt(drawn.size)


def test_low_and_high():
    drawn = ops.convert_to_numpy(RandomStream(0).uniform((10_000,), -3.0, 5.0))
    assert -3 <= drawn.min() < -2.99 and 4.99 < drawn.max() <= 5


def test_neighbouring_numbers_draws_keys_and_replicas_are_independent():
    first = numbers(5, (20_000,))
    others = {
        "element": np.roll(first, 1),
        "draw": numbers(5, (20_000,), draws=2),
        "key": numbers(6, (20_000,)),
        "high word": numbers(5 + 2**32, (20_000,)),
        "replica 0": numbers(fold_in(5, 0), (20_000,)),
        "replica 1": numbers(fold_in(5, 1), (20_000,)),
    }
    for name, other in others.items():
        # 4.5 standard deviations.
        assert abs(np.corrcoef(first, other)[0, 1]) < 4.5 / np.sqrt(20_000), name


def test_a_key_is_a_function():
    np.testing.assert_array_equal(numbers(7), numbers(7))
    np.testing.assert_array_equal(numbers(7, draws=3), numbers(7, draws=3))
    assert not np.array_equal(numbers(7), numbers(8))
    assert not np.array_equal(numbers(7), numbers(7, draws=2))


def test_a_longer_batch_begins_with_the_shorter():
    np.testing.assert_array_equal(numbers(7, (10, 4))[:6], numbers(7, (6, 4)))


def test_keys_as_int_numpy_and_tensor_are_the_same():
    expected = numbers(7)
    for key in (np.int64(7), np.array([7, 0]), ops.convert_to_tensor([7, 0], "int32")):
        np.testing.assert_array_equal(numbers(key), expected)
    np.testing.assert_array_equal(
        numbers(-1), numbers(ops.convert_to_tensor([-1, -1], "int32"))
    )


@pytest.mark.parametrize("key", [np.zeros(3, "int32"), np.zeros((2, 1), "int32")])
def test_other_shapes_are_no_key(key):
    with pytest.raises(ValueError, match=r"shape \[2\]"):
        RandomStream(key)


def test_fold_in_gives_another_key_for_each_number():
    keys = [tuple(ops.convert_to_numpy(fold_in(3, n))) for n in range(100)]
    assert len(set(keys)) == 100
    assert keys[7] == tuple(ops.convert_to_numpy(fold_in(3, np.int32(7))))
    # Order matters: step then replica is not replica then step.
    a, b = fold_in(fold_in(0, 1), 2), fold_in(fold_in(0, 2), 1)
    assert not np.array_equal(a, b)


def test_compiled_numbers_are_the_same():
    def draw(key):
        stream = RandomStream(fold_in(key, 2))
        stream.uniform((3,))
        return stream.uniform((64, 3), 1.0, 2.0)

    key = ops.convert_to_tensor([12, 34], "int32")
    expected = ops.convert_to_numpy(draw(key))
    if keras.backend.backend() == "jax":
        import jax

        compiled = [jax.jit(draw)]
    else:
        import tensorflow as tf

        compiled = [tf.function(draw), tf.function(draw, jit_compile=True)]
    for function in compiled:
        np.testing.assert_array_equal(ops.convert_to_numpy(function(key)), expected)

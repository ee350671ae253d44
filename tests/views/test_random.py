import numpy as np
import pytest
from keras import ops

from tfssl.views import random
from tfssl.views.random import RandomStream, fold_in


def numbers(key, shape=(4,), draw=1):
    stream = RandomStream(key)
    for _ in range(draw):
        drawn = stream.uniform(shape)
    return ops.convert_to_numpy(drawn)


# The known answers that come with the generator's reference code.
@pytest.mark.parametrize(
    "key, counter, answer",
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
def test_known_answers(key, counter, answer):
    def words(pair):
        return [ops.convert_to_tensor(np.uint32(word)) for word in pair]

    result = random._threefry(words(key), words(counter))
    assert tuple(int(word) for word in result) == answer


def test_a_function_of_key_and_draw():
    np.testing.assert_array_equal(numbers(7), numbers(7))
    np.testing.assert_array_equal(numbers(7), numbers(np.array([7, 0], "int32")))
    for other in (8, np.array([7, 1], "int32"), fold_in(7, 0), fold_in(7, 1)):
        assert not np.any(numbers(7) == numbers(other))
    assert not np.any(numbers(7) == numbers(7, draw=2))


def test_uniform_over_its_range():
    drawn = RandomStream(3).uniform((200_000,), -1.0, 3.0)
    drawn = ops.convert_to_numpy(drawn)
    assert drawn.dtype == "float32" and drawn.min() >= -1 and drawn.max() < 3
    counts, _ = np.histogram(drawn, 50, (-1, 3))
    # 50 cells of 4000: chi-squared with 49 degrees of freedom, 99.9 % quantile 85.4.
    assert np.sum((counts - 4000) ** 2 / 4000) < 85.4
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.01


def test_folded_keys_are_all_different():
    keys = {tuple(ops.convert_to_numpy(fold_in(5, n))) for n in range(200)}
    assert len(keys) == 200

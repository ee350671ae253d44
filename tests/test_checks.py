import numpy as np
import pytest

from tfssl import checks


@pytest.mark.parametrize(
    "check, good, bad",
    [
        (checks.check_positive, (1, 0.1, np.float32(2)), (0, -1, "1")),
        (checks.check_not_negative, (0, 0.0, 3), (-0.1, None)),
        (checks.check_fraction, (0, 0.5, 1), (-0.1, 1.1)),
        (checks.check_count, (1, np.int64(7)), (0, 1.0, [1])),
    ],
)
def test_numbers_in_and_out_of_range(check, good, bad):
    check(**{f"n{number}": value for number, value in enumerate(good)})
    for value in (*bad, True, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="^speed must be a .* Received: speed="):
            check(first=1, speed=value)


def test_a_count_has_a_minimum():
    checks.check_count(0, memory=0)
    with pytest.raises(ValueError, match="at least 2. Received: minimum=1"):
        checks.check_count(2, minimum=1)

"""Checks of arguments: bad numbers are refused before work starts.

Each function takes numbers by the names of their arguments, and the error names the
first that is refused.
"""

import math
import numbers


def check_positive(**values):
    """Refuses what is not a number above 0.

    Args:
        **values: the arguments by their names.

    Raises:
        ValueError: naming the argument, what was expected and what was received.

    Example:
        >>> from tfssl.checks import check_positive
        >>> check_positive(temperature=0.1)
        >>> check_positive(temperature=0)
        Traceback (most recent call last):
        ValueError: temperature must be a number above 0. Received: temperature=0
    """
    _check("a number above 0", lambda x: x > 0, values)


def check_not_negative(**values):
    """Refuses what is not a number from 0. As `check_positive`."""
    _check("a number that is not negative", lambda x: x >= 0, values)


def check_fraction(**values):
    """Refuses what is not a number within [0, 1]. As `check_positive`."""
    _check("a number within [0, 1]", lambda x: 0 <= x <= 1, values)


def check_count(minimum=1, /, **values):
    """Refuses what is not a whole number from a minimum.

    Args:
        minimum: int. Defaults to 1.
        **values: as `check_positive`.

    Raises:
        ValueError: as `check_positive`.

    Example:
        >>> from tfssl.checks import check_count
        >>> check_count(queue_size=4096)
        >>> check_count(0, memory=0)
    """
    expected = f"a whole number, at least {minimum}"
    _check(expected, lambda x: isinstance(x, numbers.Integral) and x >= minimum, values)


def check_moment(**values):
    """Refuses what is no moment of a run. As `check_positive`.

    Example:
        >>> from tfssl.checks import check_moment
        >>> check_moment(freeze_prototypes=313)
        >>> check_moment(freeze_prototypes=0.01)
    """
    _check(
        "a step, or a fraction of the run as a float within [0, 1]",
        lambda x: x >= 0 if isinstance(x, numbers.Integral) else 0 <= x <= 1,
        values,
    )


def _check(expected, holds, values):
    for name, value in values.items():
        # Of a schedule, what it begins and ends with.
        reached = getattr(value, "endpoints", (value,))
        if not all(
            isinstance(x, numbers.Real)
            # Python takes True for 1.
            and not isinstance(x, bool)
            and math.isfinite(x)
            and holds(x)
            for x in reached
        ):
            raise ValueError(f"{name} must be {expected}. Received: {name}={value!r}")

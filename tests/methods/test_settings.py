"""What NAME=VALUE means."""

import pytest

from tfssl.methods.settings import value_of


@pytest.mark.parametrize(
    "text, default, value",
    [
        ("false", False, False),
        ("True", False, True),
        ("none", 64, None),
        ("0.5", 1, 0.5),
        ("3", 0.5, 3),
        ("0.2,1", (0.08, 1.0), (0.2, 1)),
        ("[128]", None, [128]),
        ("blocks", "center", "blocks"),
        ("none", "batch", "none"),
    ],
)
def test_values(text, default, value):
    assert value_of(f"x={text}", default) == value
    assert value_of("local_layer=conv", None) == "conv"


@pytest.mark.parametrize(
    "text, default",
    [
        ("high", 0.5),
        ("none", 0.5),
        ("maybe", None),
        ("1", False),
        ("true", 1),
        ("0.5", (0.08, 1.0)),
        ("", 1),
    ],
)
def test_values_of_another_kind(text, default):
    with pytest.raises(ValueError, match="x takes .*Received: 'x=.*'"):
        value_of(f"x={text}", default)

"""Two replicas with a batch each equal one device with both, for every method."""

from pathlib import Path

import pytest
from cases import CASES, COMPARED
from programs import run_test_program

HERE = Path(__file__).parent
NAMES = sorted([*CASES, *COMPARED, "distillation"])


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_two_replicas_equal_one_device(half):
    """Half of the methods in one process: starting takes longer than testing."""
    pytest.importorskip("tensorflow")
    out = run_test_program(HERE / "two_replicas.py", *NAMES[half::2])
    assert "equal" in out


@pytest.mark.slow
def test_replicas_draw_their_own_views_and_clip_the_sum():
    pytest.importorskip("tensorflow")
    assert "fine" in run_test_program(HERE / "replicas_draw_and_clip.py")

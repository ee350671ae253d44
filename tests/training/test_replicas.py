"""Two replicas with a batch each equal one device with both, for every method."""

from pathlib import Path

import pytest
from cases import SHARED_OUT
from programs import run_test_program, run_workers

HERE = Path(__file__).parent
FIRST = ["cmc_nce", "moco_groups", "simclr"]
NAMES = [name for name in SHARED_OUT if name not in FIRST]
# In one process each: starting takes longer than testing.
GROUPS = [FIRST, *(NAMES[start : start + 6] for start in range(0, len(NAMES), 6))]


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_two_replicas_equal_one_device(names):
    pytest.importorskip("tensorflow")
    assert "equal" in run_test_program(HERE / "two_replicas.py", *names)


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_two_devices_of_jax_equal_one(names):
    out = run_test_program(HERE / "two_replicas.py", *names, KERAS_BACKEND="jax")
    assert "equal" in out


@pytest.mark.slow
@pytest.mark.matrix
def test_two_workers_equal_one_device():
    pytest.importorskip("tensorflow")
    for out in run_workers(HERE / "two_replicas.py", *FIRST):
        assert "equal" in out


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_what_can_be_switched_on_changes_nothing(backend, devices):
    pytest.importorskip(backend)
    program = HERE / "features_on_devices.py"
    out = run_test_program(program, f"--devices={devices}", KERAS_BACKEND=backend)
    assert "fine" in out


@pytest.mark.slow
@pytest.mark.matrix
def test_what_can_be_switched_on_changes_nothing_on_workers():
    pytest.importorskip("tensorflow")
    for out in run_workers(HERE / "features_on_devices.py"):
        assert "fine" in out


@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize(
    "fault, case",
    [
        ("no_gather", "simclr"),
        ("no_scaling", "byol"),
        ("same_draws", "cmc_nce"),
        ("same_draws", "dim"),
        ("same_views", "cpc"),
    ],
)
def test_a_planted_fault_is_found(fault, case):
    """On any processor the bound is far below what a fault does."""
    pytest.importorskip("tensorflow")
    with pytest.raises(AssertionError, match=f"(?s)AssertionError: .*{case}"):
        run_test_program(HERE / "two_replicas.py", f"--fault={fault}", case)


@pytest.mark.slow
@pytest.mark.matrix
def test_replicas_draw_the_views_of_one_device_and_clip_the_sum():
    pytest.importorskip("tensorflow")
    assert "fine" in run_test_program(HERE / "replicas_draw_and_clip.py")

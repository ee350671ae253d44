"""A run on a streamed folder, killed within an epoch, ends like one in memory."""

import json
import subprocess
import sys

import pytest
from programs import ROOT


@pytest.mark.slow
@pytest.mark.matrix
def test_a_streamed_run_goes_on_where_it_was_killed(tmp_path):
    flags = (
        "--images=320",
        "--side=48",
        "--few=0",
        # What it is compared with is not streamed.
        "--hold",
        "--epochs=2",
        "--batch_size=32",
        "--encoder=resnet10",
        "--view_size=16",
        # After each step.
        "--checkpoint_minutes=0",
        f"--workdir={tmp_path}",
        f"--output={tmp_path / 'found.json'}",
    )
    # By itself: what it does not import is imported by no other test.
    program = ROOT / "benchmarks" / "stream.py"
    subprocess.run([sys.executable, program, *flags], check=True)
    found = json.loads((tmp_path / "found.json").read_text())
    epoch, step = found["killed_after_checkpoint"]
    assert found["equal"] and epoch == 1 and 5 <= step < 10
    recorded = json.loads((tmp_path / "runs" / "whole" / "run.json").read_text())
    assert recorded["settings"]["stream"] == "false"

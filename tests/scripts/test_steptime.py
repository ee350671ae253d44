"""What tfssl steptime times."""

import json
import time

import pytest
from cases import encoder
from programs import run

from tfssl.training.health import Monitor


@pytest.mark.slow
def test_an_encoder_to_go_on_from_is_the_one_that_is_timed(tmp_path):
    encoder().save(tmp_path / "encoder.keras")
    init = f"--init={tmp_path / 'encoder.keras'}"
    short = ("--batch_size=8", "--steps=1", "--rounds=1", "--json")
    found = json.loads(run("steptime", "--dataset=digits", init, *short))
    assert found["weights"] == encoder().count_params()
    assert found["batch_size"] == 8 and found["peak_memory_mib"] > 100


@pytest.mark.slow
def test_what_a_run_does_between_epochs_is_not_timed(tmp_path, monkeypatch):
    ahead, clock = [], time.perf_counter

    def measure(self):
        # It takes a day each time.
        ahead.append(86_400)
        return {}

    monkeypatch.setattr(Monitor, "measure", measure)
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + sum(ahead))
    short = ("--batch_size=8", "--steps=2", "--rounds=2", "--json")
    encoder().save(tmp_path / "encoder.keras")
    init = f"--init={tmp_path / 'encoder.keras'}"
    found = json.loads(run("steptime", "--dataset=digits", init, *short))
    assert len(ahead) >= 3 and 0 < found["seconds"] < 3_600

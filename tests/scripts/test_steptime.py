"""What tfssl steptime times."""

import json

import pytest
from cases import encoder
from programs import run


@pytest.mark.slow
def test_an_encoder_to_go_on_from_is_the_one_that_is_timed(tmp_path):
    encoder().save(tmp_path / "encoder.keras")
    init = f"--init={tmp_path / 'encoder.keras'}"
    short = ("--batch_size=8", "--steps=1", "--rounds=1", "--json")
    found = json.loads(run("steptime", "--dataset=digits", init, *short))
    assert found["weights"] == encoder().count_params()
    assert found["batch_size"] == 8 and found["peak_memory_mib"] > 100

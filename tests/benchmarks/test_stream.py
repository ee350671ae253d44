"""A run on a streamed folder, killed within an epoch, ends like one in memory."""

import json

import keras
import numpy as np
import pytest
from programs import imported, start


def weights(workdir):
    return keras.saving.load_model(workdir / "encoder.keras", compile=False).weights


@pytest.mark.slow
@pytest.mark.matrix
def test_a_streamed_run_goes_on_where_it_was_killed(tmp_path):
    flags = (
        "--images=320",
        "--side=48",
        "--few=0",
        "--epochs=2",
        "--batch_size=32",
        "--view_size=16",
        # After each step.
        "--checkpoint_minutes=0",
        f"--workdir={tmp_path}",
        f"--output={tmp_path / 'found.json'}",
    )
    with imported("stream", *flags, folder="benchmarks") as benchmark:
        benchmark.main()
    found = json.loads((tmp_path / "found.json").read_text())
    epoch, step = found["killed_after_checkpoint"]
    assert found["equal"] and epoch == 1 and 5 <= step < 10

    start(
        "pretrain",
        f"--dataset=folder:{tmp_path / 'photos-320-48'}",
        "--stream=false",
        *("--image_size=48", "--view_size=16", "--batch_size=32", "--epochs=2"),
        *("--encoder=resnet18", "--encoder_width=4", "--precision=float32"),
        *("--noreport", "--deterministic", f"--workdir={tmp_path / 'kept'}"),
    )
    kept, streamed = weights(tmp_path / "kept"), weights(tmp_path / "runs" / "broken")
    for a, b in zip(kept, streamed, strict=True):
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, (a, b)), err_msg=a.path
        )

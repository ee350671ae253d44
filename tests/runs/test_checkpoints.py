"""A run that is killed anywhere goes on as if it had not been."""

import errno
import math
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from cases import images, make

from tfssl.runs import Position, Workdir
from tfssl.runs.checkpoints import Checkpoints


class Killed(Exception):
    """Ends a run."""


class KillAfter(keras.callbacks.Callback):
    """Stops at a step of the run, after the others had their turn."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise Killed


def fit(model, run, position, minutes, *callbacks):
    return model.fit(
        images(48),
        batch_size=8,
        epochs=3,
        initial_epoch=position.epoch,
        initial_step=position.step,
        callbacks=[*run.callbacks(position, minutes), *callbacks],
        verbose=0,
    )


@pytest.mark.parametrize(
    "name, step, restored",
    # A state is saved before the next step: the last one is done again.
    [
        ("moco_v2", 9, (1, 2)),
        ("simclr", 9, (1, 2)),
        ("simclr", 12, (1, 5)),
    ],
)
@pytest.mark.matrix
def test_killed_within_an_epoch_it_goes_on_at_the_batch(name, step, restored, tmp_path):
    unbroken = make(name, optimizer=keras.optimizers.Adam(1e-3))
    whole = Workdir(tmp_path / "whole", {})
    fit(unbroken, whole, Position(), 10)

    run = Workdir(tmp_path / "run", {})
    with pytest.raises(Killed):
        # 6 steps an epoch; each is saved.
        broken = make(name, optimizer=keras.optimizers.Adam(1e-3))
        fit(broken, run, Position(), 0, KillAfter(step))
    resumed = make(name, seed=5, optimizer=keras.optimizers.Adam(1e-3))
    position = run.restore(resumed)
    assert position[:2] == restored
    fit(resumed, run, position, 0)
    for a, b in zip(unbroken.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, (a, b)), err_msg=a.path
        )
    # The means of the broken epoch too.
    for row, other in zip(whole.metrics(), run.metrics(), strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-6)
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 4


def test_a_full_disk_ends_a_run_before_anything_is_written(tmp_path, monkeypatch):
    run = Workdir(tmp_path / "run", {})
    model = make("simclr")
    checkpoints = Checkpoints(run.path / "checkpoints")
    checkpoints.save(model, Position(1))
    before = sorted(run.path.rglob("*"))
    variables = (*model.variables, *model.optimizer.variables)
    needed = sum(4 * math.prod(variable.shape) for variable in variables)
    full = SimpleNamespace(free=needed - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(OSError, match="Make room: .* goes on after epoch 1$") as error:
        checkpoints.save(model, Position(2))
    assert error.value.errno == errno.ENOSPC and sorted(run.path.rglob("*")) == before
    monkeypatch.undo()
    checkpoints.save(model, Position(2))
    assert run.restore(make("simclr")) == Position(2)


@pytest.mark.matrix
def test_between_two_checkpoints_nothing_is_saved(tmp_path):
    run = Workdir(tmp_path / "run", {})
    with pytest.raises(Killed):
        fit(make("simclr"), run, Position(), 10, KillAfter(9))
    assert run.restore(make("simclr")) == Position(1)

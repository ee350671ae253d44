import os
import signal
import threading

import pytest

from tfssl.runs import START, Position, Terminated, termination
from tfssl.runs.checkpoints import SaveStates


def end():
    os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_is_noted_in_the_block_alone():
    outside = []
    before = signal.signal(signal.SIGTERM, lambda *_: outside.append(True))
    try:
        with termination() as terminated:
            assert not terminated()
            end()
            # As when the whole group of processes gets it, and the parent passes it on.
            end()
            assert terminated()
        assert not outside
        end()
        assert outside
        with termination() as terminated:
            assert not terminated()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_gets_no_signal():
    answers = []

    def ask():
        with termination() as terminated:
            answers.append(terminated())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [False]


class Saved:
    """Checkpoints that keep positions alone."""

    def __init__(self):
        self.positions = []

    def save(self, model, position):
        self.positions.append(position)


class Model:
    metrics_variables = ()

    def means_of_epoch(self, steps, logs):
        return ()


def saving(terminated, start=START):
    """Checkpoints that are rare, and their callback in the second epoch of 4 steps."""
    saved = Saved()
    callback = SaveStates(saved, start, minutes=1000, terminated=terminated)
    callback.set_model(Model())
    callback.set_params({"steps": 4})
    callback.on_epoch_begin(1)
    return saved, callback


def steps(callback, count):
    for step in range(count):
        callback.on_train_batch_begin(step)
        callback.on_train_batch_end(step)


def test_nothing_is_saved_before_the_first_step():
    saved, callback = saving(lambda: True)
    callback.on_train_batch_begin(0)
    assert not saved.positions


def test_the_state_is_saved_within_an_epoch_and_the_run_ends(capsys):
    came = []
    saved, callback = saving(lambda: bool(came), Position(1, 1))
    steps(callback, 2)
    assert not saved.positions
    came.append(True)
    with pytest.raises(Terminated) as ended:
        callback.on_train_batch_begin(2)
    assert saved.positions == [Position(1, 3)] and ended.value.code == 75
    assert "saved after epoch 1 and 3 steps. The same" in capsys.readouterr().err


def test_what_a_step_logs_may_come_late():
    saved, callback = saving(lambda: True)
    callback.on_train_batch_begin(0)
    with pytest.raises(Terminated):
        callback.on_train_batch_begin(1)
    assert saved.positions == [Position(1, 1)]


def test_after_the_last_step_the_end_of_the_epoch_is_saved():
    came = []
    saved, callback = saving(lambda: bool(came))
    steps(callback, 3)
    callback.on_train_batch_begin(3)
    came.append(True)
    callback.on_train_batch_end(3)
    assert not saved.positions
    with pytest.raises(Terminated):
        callback.on_epoch_end(1)
    assert saved.positions == [Position(2)]


def test_without_sigterm_a_run_goes_on():
    saved, callback = saving(None)
    steps(callback, 4)
    callback.on_epoch_end(1)
    assert saved.positions == [Position(2)]

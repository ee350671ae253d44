"""Checkpoints: the whole state of a run, at the end of an epoch or within it."""

import errno
import json
import math
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

import keras
from absl import logging

from tfssl import files
from tfssl.runs.sigterm import Terminated

CHECKPOINT_MINUTES = 10.0
_KEPT = 2


class Position(NamedTuple):
    """Where a run is in its data.

    Args:
        epoch: int, epochs done. Defaults to 0.
        step: int, steps done of the next epoch. Defaults to 0.
        metrics: tuple of floats, what the means of this epoch hold so far.
    """

    epoch: int = 0
    step: int = 0
    metrics: tuple = ()

    def __str__(self):
        steps = f" and {self.step} steps" if self.step else ""
        return f"epoch {self.epoch}{steps}"


START = Position()


class Checkpoints:
    """The newest two states of a model and its optimizer in a folder.

    Args:
        folder: string or `pathlib.Path`.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def save(self, model, position):
        """Saves a model at a position, whole or not at all.

        Args:
            model: compiled `keras.Model`.
            position: `Position`.

        Raises:
            OSError: if the disk has no room for it, before anything is written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_room(model)
        name = f"epoch-{position.epoch:06d}-step-{position.step:09d}"
        weights = self.folder / f"{name}.weights.h5"
        partial = files.partial_path(weights)
        try:
            model.save_weights(partial, overwrite=True)
            files.sync(partial)
            state = {
                **position._asdict(),
                "file": weights.name,
                **files.facts(partial),
            }
            partial.replace(weights)
        finally:
            partial.unlink(missing_ok=True)
        # The note comes last: without it the weights do not count.
        files.write_text(self.folder / f"{name}.json", json.dumps(state))
        for old in sorted(self.folder.glob("epoch-*.json"))[:-_KEPT]:
            (self.folder / f"{old.stem}.weights.h5").unlink(missing_ok=True)
            old.unlink()

    def _check_room(self, model):
        """HDF5 says much where a disk is full, and nothing of what to do."""
        variables = [*model.variables, *model.optimizer.variables]
        needed = sum(4 * math.prod(variable.shape) for variable in variables)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            states = self._states()
            saved = _position(states[0]) if states else START
            raise OSError(
                errno.ENOSPC,
                f"A checkpoint takes about {needed / 1e6:.1f} MB, and the disk of "
                f"{self.folder} has {free / 1e6:.1f} MB left. Make room: the same "
                f"command then goes on after {saved}",
            )

    def _states(self):
        """What the notes say, that of the newest state first."""
        states = []
        for note in sorted(self.folder.glob("epoch-*.json"), reverse=True):
            try:
                state = json.loads(note.read_text())
                _position(state), state["file"], state["sha256"]
                states.append(state)
            except (LookupError, TypeError, ValueError):
                logging.warning("%s is damaged; trying an older one.", note)
        return states

    def restore(self, model):
        """Puts the newest good state into a model.

        Args:
            model: compiled `keras.Model`, built as the saved one was.

        Returns:
            `Position`, that of the start if there is no good state.
        """
        for state in self._states():
            weights = self.folder / state["file"]
            if not _is_whole(weights, state["sha256"]):
                logging.warning("%s is damaged; trying an older one.", weights)
                continue
            model.load_weights(weights)
            return _position(state)
        return START


def _position(state):
    return Position(state["epoch"], state["step"], tuple(state["metrics"]))


def _is_whole(path, sha256):
    return path.exists() and files.facts(path)["sha256"] == sha256


class GoOnWithMeans(keras.callbacks.Callback):
    """Gives the means of an epoch that is gone on with what they held.

    Args:
        position: `Position` at which `fit` starts.
    """

    def __init__(self, position):
        super().__init__()
        self.start = position

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.start.epoch and self.start.step:
            # Keras has just set them to 0.
            for variable, value in zip(
                self.model.metrics_variables, self.start.metrics, strict=True
            ):
                variable.assign(value)


class SaveStates(GoOnWithMeans):
    """Saves the state after each epoch, and every few minutes within one.

    Args:
        checkpoints: `Checkpoints`.
        position: `Position` at which `fit` starts.
        minutes: float, between checkpoints within an epoch.
        terminated: function of nothing, whether the run is to end now. Defaults to
            None: never.

    Raises:
        Terminated: out of `fit`, after a checkpoint, if the run is to end now.
    """

    # Else Keras would wait for each step on JAX before it sends the next one to the
    # device. What a step logs then comes late, and is not needed.
    async_safe = True

    def __init__(
        self, checkpoints, position, minutes=CHECKPOINT_MINUTES, terminated=None
    ):
        super().__init__(position)
        self.checkpoints = checkpoints
        self.minutes = minutes
        self.terminated = terminated or (lambda: False)

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.epoch = epoch
        self.saved = time.monotonic()
        self.logs = None
        # `fit` counts the steps of an epoch that goes on from 0.
        self.first = self.start.step if epoch == self.start.epoch else 0

    def on_train_batch_end(self, batch, logs=None):
        self.logs = logs

    def on_train_batch_begin(self, batch, logs=None):
        # Before the first step there is nothing to save; the end of the epoch comes
        # after the last.
        due = time.monotonic() - self.saved >= 60 * self.minutes
        if not batch or not (due or self.terminated()):
            return
        step = self.first + batch
        means = self.model.means_of_epoch(step, self.logs)
        self._save(Position(self.epoch, step, means))
        self.saved = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self._save(Position(epoch + 1))

    def _save(self, position):
        self.checkpoints.save(self.model, position)
        if self.terminated():
            print(
                f"\nSIGTERM: saved after {position}. The same command goes on there.",
                file=sys.stderr,
            )
            raise Terminated

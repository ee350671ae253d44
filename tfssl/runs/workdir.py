"""The folder of a run: what was asked, what happened, and where to go on."""

import datetime
import json
import os
from pathlib import Path

import keras

from tfssl import files
from tfssl.encoders import in_float32
from tfssl.runs.checkpoints import (
    CHECKPOINT_MINUTES,
    START,
    Checkpoints,
    GoOnWithMeans,
    SaveStates,
)
from tfssl.runs.devices import device_names
from tfssl.runs.metrics import EventFiles, MetricsCSV, read_metrics

# Settings that may differ when a run is continued: they change no weight.
FREE_SETTINGS = (
    "checkpoint_minutes",
    "data_dir",
    "knn_every",
    "report",
    "seeds",
    "stop_unhealthy",
    # Decoded now or before, the images are the same.
    "stream",
    "verbose",
    "workdir",
)


class Workdir:
    """A run's folder, from which the same command goes on after an interruption.

        run.json         method, settings, versions, commit, device
        metrics.csv      one row an epoch
        checkpoints/     the two newest states: model, optimizer, position in the data
        tensorboard/     event files of the metrics
        encoder.keras    what the run was for, when it is finished; its projector too

    Files are written beside their place and moved into it, so a killed run leaves
    whole files only. A checkpoint counts if its checksum is right.

    Args:
        path: string or `pathlib.Path`; made if it does not exist.
        settings: dict of plain values that define the run.

    Raises:
        ValueError: if the folder holds a run with other settings.

    Example:
        >>> import tempfile, tfssl
        >>> folder = tempfile.mkdtemp()
        >>> run = tfssl.runs.Workdir(folder, {"method": "simclr", "epochs": 2})
        >>> run.info["settings"]["epochs"]
        2
    """

    def __init__(self, path, settings):
        self.path = Path(path)
        self.info = self._open(settings)

    def _open(self, settings):
        file = self.path / "run.json"
        settings = json.loads(json.dumps(settings))
        # Listed before run.json is looked for: another worker may be making the run,
        # and run.json is the first whole file that it leaves.
        present = os.listdir(self.path) if self.path.exists() else []
        if file.exists():
            info = json.loads(file.read_text())
            _refuse_other_settings(file, info["settings"], settings)
            return info
        if not all(name.startswith(files.PARTIAL) for name in present):
            raise ValueError(
                f"{self.path} is not empty and holds no run. Choose a new folder. "
                f"Received: {', '.join(sorted(present)[:5])}"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        info = {
            "settings": settings,
            "versions": files.versions(),
            "commit": files.commit(),
            "device": device_names(),
            "started": datetime.datetime.now(datetime.UTC).isoformat(
                timespec="seconds"
            ),
        }
        files.write_text(file, json.dumps(info, indent=2) + "\n")
        return info

    @classmethod
    def read(cls, path):
        """The run of a folder as it is, whatever its settings.

        Args:
            path: string or `pathlib.Path` of a run's folder.

        Returns:
            `Workdir`.

        Raises:
            FileNotFoundError: if the folder holds no run.
        """
        file = Path(path) / "run.json"
        if not file.exists():
            raise FileNotFoundError(
                f"There is no {file}. Give the workdir of a run. Received: {path}"
            )
        return cls(path, json.loads(file.read_text())["settings"])

    def record(self, **facts):
        """Adds facts to run.json."""
        self.info.update(facts)
        text = json.dumps(self.info, indent=2) + "\n"
        files.write_text(self.path / "run.json", text)

    def metrics(self):
        """Rows of metrics.csv: a list of dicts of numbers, one an epoch."""
        return read_metrics(self.path / "metrics.csv")

    def restore(self, model):
        """Puts the newest good checkpoint into a compiled model.

        What a run that was killed has left half-written is removed.

        Args:
            model: compiled `keras.Model`, built as the saved one was.

        Returns:
            `tfssl.runs.Position`: epochs done, and steps of the next one; of `fit` they
            are `initial_epoch` and `initial_step`.
        """
        for place in (f"checkpoints/{files.PARTIAL}*", f"{files.PARTIAL}*.keras"):
            for left in self.path.glob(place):
                left.unlink(missing_ok=True)
        return self._checkpoints.restore(model)

    def callbacks(
        self,
        position=START,
        checkpoint_minutes=CHECKPOINT_MINUTES,
        originals=None,
        terminated=None,
        writes=True,
    ):
        """Callbacks for `fit` that log and save.

        Args:
            position: `tfssl.runs.Position`, as `restore` returned it. Defaults to the
                start.
            checkpoint_minutes: float, between checkpoints within an epoch. Defaults to
                10.
            originals: images `[n, height, width, 3]` whose views TensorBoard shows, or
                None.
            terminated: function of nothing, whether the run is to end now: see
                `tfssl.runs.termination`. `fit` then raises `tfssl.runs.Terminated`,
                after a checkpoint. Defaults to None: never.
            writes: bool, whether this process writes the files of the run: of several
                workers one does. Defaults to True.
        """
        if not writes:
            return [GoOnWithMeans(position)]
        return [
            MetricsCSV(self.path / "metrics.csv", position.epoch),
            EventFiles(
                self.path / "tensorboard",
                position.epoch,
                self.info["settings"],
                originals,
            ),
            SaveStates(self._checkpoints, position, checkpoint_minutes, terminated),
        ]

    def save_model(self, model, name):
        """Saves a model as `NAME.keras` in the folder, whole or not at all."""
        files.save_model(model, self.path / f"{name}.keras")

    def finish(self, model):
        """Saves what the run was for: the encoder, and a projector if there is one.

        Args:
            model: trained `tfssl.methods.Method`.
        """
        # Whoever loads them may have a processor without bfloat16.
        encoder = in_float32(model.published_encoder)
        encoder.name = model.encoder.name
        self.save_model(encoder, "encoder")
        projector = getattr(model, "projector", None)
        if isinstance(projector, keras.Model):
            self.save_model(in_float32(projector), "projector")
        self.record(finished=True)

    @property
    def _checkpoints(self):
        return Checkpoints(self.path / "checkpoints")


def _refuse_other_settings(file, before, now):
    names = sorted(
        name
        for name in {*before, *now} - set(FREE_SETTINGS)
        if before.get(name) != now.get(name)
    )
    if names:
        changes = ", ".join(
            f"{name}: {before.get(name)!r} then, {now.get(name)!r} now"
            for name in names
        )
        raise ValueError(
            f"{file} is of a run with other settings ({changes}). Repeat the settings "
            "to continue it, or choose another workdir."
        )

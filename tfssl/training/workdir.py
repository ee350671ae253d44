"""The folder of a run: what was asked, what happened, and where to go on."""

import csv
import datetime
import hashlib
import json
import os
import platform
import subprocess
import uuid
from importlib import metadata
from pathlib import Path

import keras
from absl import logging

_KEPT_CHECKPOINTS = 2
# Settings that may differ when a run is continued: they change no weight.
_FREE_SETTINGS = (
    "data_dir",
    "knn_every",
    "report",
    "stop_unhealthy",
    "verbose",
    "workdir",
)
# Of a file that is not whole yet.
_PARTIAL = ".partial-"


class Workdir:
    """A run's folder, from which the same command goes on after an interruption.

        run.json         method, settings, versions, commit
        metrics.csv      one row an epoch
        checkpoints/     the two newest states: model, optimizer, epoch
        tensorboard/     event files of the metrics

    Files are written beside their place and moved into it, so a killed run leaves
    whole files only. A checkpoint counts if its checksum is right.

    Args:
        path: string or `pathlib.Path`; made if it does not exist.
        settings: dict of plain values that define the run.

    Raises:
        ValueError: if the folder holds a run with other settings.

    Example:
        >>> import tempfile
        >>> from tfssl.training.workdir import Workdir
        >>> folder = tempfile.mkdtemp()
        >>> run = Workdir(folder, {"method": "simclr", "epochs": 2})
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
        files = os.listdir(self.path) if self.path.exists() else []
        if file.exists():
            info = json.loads(file.read_text())
            _refuse_other_settings(file, info["settings"], settings)
            return info
        if not all(name.startswith(_PARTIAL) for name in files):
            raise ValueError(
                f"{self.path} is not empty and holds no run. Choose a new folder."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        info = {
            "settings": settings,
            "versions": versions(),
            "commit": _commit(),
            "started": datetime.datetime.now(datetime.timezone.utc).isoformat(
                timespec="seconds"
            ),
        }
        write_text(file, json.dumps(info, indent=2) + "\n")
        return info

    def record(self, **facts):
        """Adds facts to run.json."""
        self.info.update(facts)
        write_text(self.path / "run.json", json.dumps(self.info, indent=2) + "\n")

    def save_model(self, model, name):
        """Saves a model as `NAME.keras` in the folder, whole or not at all."""
        partial = self.path / f"partial-{name}.keras"
        model.save(partial)
        os.replace(partial, self.path / f"{name}.keras")

    def restore(self, model):
        """Puts the newest good checkpoint into a compiled model.

        Args:
            model: compiled `keras.Model`, built as the saved one was.

        Returns:
            The number of epochs done, 0 without a checkpoint: `initial_epoch` of `fit`.
        """
        for note in sorted(self._checkpoints.glob("*.json"), reverse=True):
            state = json.loads(note.read_text())
            weights = self._checkpoints / state["file"]
            if not weights.exists() or _sha256(weights) != state["sha256"]:
                logging.warning("%s is damaged; trying an older one.", weights)
                continue
            model.load_weights(weights)
            return state["epoch"]
        return 0

    def callbacks(self, epoch):
        """Callbacks for `fit` that log and save.

        Args:
            epoch: int, the epochs done, as `restore` returned it.
        """
        return [
            MetricsCSV(self.path / "metrics.csv", epoch),
            EventFiles(self.path / "tensorboard", epoch),
            SaveState(self._checkpoints),
        ]

    @property
    def _checkpoints(self):
        return self.path / "checkpoints"


class SaveState(keras.callbacks.Callback):
    """Saves model and optimizer after each epoch; keeps the two newest."""

    def __init__(self, folder):
        super().__init__()
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, epoch, logs=None):
        name = f"epoch-{epoch + 1:06d}"
        weights = self.folder / f"{name}.weights.h5"
        partial = self.folder / f"partial-{name}.weights.h5"
        self.model.save_weights(partial, overwrite=True)
        _sync(partial)
        state = {"epoch": epoch + 1, "file": weights.name, "sha256": _sha256(partial)}
        os.replace(partial, weights)
        # The note comes last: without it the weights do not count.
        write_text(self.folder / f"{name}.json", json.dumps(state))
        for old in sorted(self.folder.glob("epoch-*.json"))[:-_KEPT_CHECKPOINTS]:
            (self.folder / json.loads(old.read_text())["file"]).unlink(missing_ok=True)
            old.unlink()


class MetricsCSV(keras.callbacks.Callback):
    """One row an epoch; a resumed run drops the rows that it makes again."""

    def __init__(self, file, epoch):
        super().__init__()
        self.file = Path(file)
        self.rows = [r for r in read_metrics(self.file) if r["epoch"] <= epoch]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch + 1, **(logs or {})})
        # Dicts keep their order, so the columns are those of the first row first.
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        with _whole_file(self.file) as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)


class EventFiles(keras.callbacks.Callback):
    """TensorBoard event files of the epoch logs, without TensorFlow."""

    def __init__(self, folder, epoch):
        super().__init__()
        self.folder = str(folder)
        self.epoch = epoch

    def on_train_begin(self, logs=None):
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.writer = EventFileWriter(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=float(value))
            for name, value in (logs or {}).items()
        ]
        self.writer.add_event(
            Event(
                wall_time=datetime.datetime.now().timestamp(),
                step=epoch + 1,
                summary=Summary(value=values),
            )
        )
        self.writer.flush()

    def on_train_end(self, logs=None):
        self.writer.close()


def read_metrics(file):
    """Rows of a metrics.csv as dicts of numbers; no rows if there is no such file.

    Args:
        file: string or `pathlib.Path`.

    Returns:
        List of dicts; `epoch` is an int, the others floats. Empty cells are left out.
    """
    if not Path(file).exists():
        return []
    with open(file, newline="") as text:
        return [
            {k: int(v) if k == "epoch" else float(v) for k, v in row.items() if v != ""}
            for row in csv.DictReader(text)
        ]


def versions():
    """Versions of Python and of the packages that decide a run's numbers: a dict."""
    found = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for package in ("tfssl", "keras", "tensorflow", "jax", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_text(file, text):
    """Writes a text file whole or not at all.

    Args:
        file: string or `pathlib.Path`; its folder exists.
        text: string.
    """
    with _whole_file(file) as out:
        out.write(text)


class _whole_file:
    """Opens a temporary neighbour that takes the file's place when all is written."""

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        # Not of `tempfile`, whose files are for their owner only.
        partial = self.path.with_name(f"{_PARTIAL}{uuid.uuid4().hex}")
        self.file = open(partial, "x", newline="")
        return self.file

    def __exit__(self, kind, *_):
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        if kind is None:
            os.replace(self.file.name, self.path)
        else:
            os.unlink(self.file.name)


def _refuse_other_settings(file, before, now):
    names = sorted(
        name
        for name in {*before, *now} - set(_FREE_SETTINGS)
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


def _commit():
    """Commit of the checkout that this package runs from, or None outside of one."""
    try:
        out = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return out.stdout.strip()


def _sha256(file):
    digest = hashlib.sha256()
    with open(file, "rb") as data:
        while block := data.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sync(file):
    with open(file, "rb") as data:
        os.fsync(data.fileno())

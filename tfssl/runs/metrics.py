"""What happened in a run, epoch by epoch."""

import csv
import datetime
from pathlib import Path

import keras
import numpy as np

from tfssl.files import whole_file
from tfssl.pages.pictures import png
from tfssl.training.images import fit_images


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
        with whole_file(self.file) as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)


class EventFiles(keras.callbacks.Callback):
    """TensorBoard event files, without TensorFlow: logs, hyper-parameters and views.

    Args:
        folder: string or `pathlib.Path`.
        epoch: int, epochs done before; the run's start also has what follows.
        settings: dict of plain values, the hyper-parameters. Defaults to none.
        originals: images `[n, height, width, 3]` whose views are shown, or None.
    """

    def __init__(self, folder, epoch, settings=None, originals=None):
        super().__init__()
        self.folder = str(folder)
        self.epoch = epoch
        self.settings = settings or {}
        self.originals = originals

    def on_train_begin(self, logs=None):
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.writer = EventFileWriter(self.folder)
        if self.epoch == 0:
            self._add(0, self._hyper_parameters())
            self._add(0, self._sheet_of_views())

    def on_epoch_end(self, epoch, logs=None):
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=float(value))
            for name, value in (logs or {}).items()
        ]
        self._add(epoch + 1, Summary(value=values))

    def _add(self, step, summary):
        from tensorboard.compat.proto.event_pb2 import Event

        if summary is not None:
            now = datetime.datetime.now().timestamp()
            self.writer.add_event(Event(wall_time=now, step=step, summary=summary))
            self.writer.flush()

    def _hyper_parameters(self):
        from tensorboard.plugins.hparams import summary_v2

        plain = {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in self.settings.items()
            if value is not None
        }
        return summary_v2.hparams_pb(plain, trial_id="run") if plain else None

    def _sheet_of_views(self):
        """A row an image: the image as the encoder sees it, then its views."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        views = getattr(self.model, "views", None)
        if self.originals is None or views is None:
            return None
        made = [np.asarray(view) for view in views(self.originals, seed=0)]
        size = made[0].shape[1:3]
        columns = [fit_images(self.originals, size), *made]
        # Views may differ in size, as those of multi-crop do.
        columns = [np.asarray(fit_images(column, size)) for column in columns]
        sheet = np.concatenate([np.concatenate(column) for column in columns], axis=1)
        image = Summary.Image(
            height=sheet.shape[0],
            width=sheet.shape[1],
            colorspace=3,
            encoded_image_string=png(sheet),
        )
        return Summary(value=[Summary.Value(tag="views", image=image)])

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

"""What happened in a run, epoch by epoch."""

import csv
import datetime
from pathlib import Path

import keras

from tfssl.files import whole_file


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

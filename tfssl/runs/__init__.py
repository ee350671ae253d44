"""A run: its folder, with settings, checkpoints, metrics and report; its devices."""

from tfssl.pages import sample
from tfssl.runs.checkpoints import START, Checkpoints, Position
from tfssl.runs.comparison import grouped, write_comparison
from tfssl.runs.compiled import keep_compiled
from tfssl.runs.devices import has_bfloat16, is_chief, scope, set_up, strategy
from tfssl.runs.folder_lock import alone
from tfssl.runs.metrics import read_metrics
from tfssl.runs.record import data_of, is_pretraining, model_of, settings
from tfssl.runs.report import RESULTS, write_report, write_run_report
from tfssl.runs.sigterm import Terminated, termination
from tfssl.runs.workdir import Workdir

__all__ = [
    "Checkpoints",
    "Position",
    "RESULTS",
    "START",
    "Terminated",
    "Workdir",
    "alone",
    "data_of",
    "grouped",
    "has_bfloat16",
    "is_chief",
    "is_pretraining",
    "keep_compiled",
    "model_of",
    "read_metrics",
    "sample",
    "scope",
    "set_up",
    "settings",
    "strategy",
    "termination",
    "write_comparison",
    "write_report",
    "write_run_report",
]

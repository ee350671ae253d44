"""The report of a run: one HTML file to look at."""

from tfssl.runs.report.of_run import RESULTS, write_run_report
from tfssl.runs.report.report import write_report

__all__ = ["RESULTS", "write_report", "write_run_report"]

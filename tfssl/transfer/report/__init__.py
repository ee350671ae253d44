"""The report of a run: one HTML file to look at."""

from tfssl.transfer.report.report import write_report

__all__ = ["write_report"]

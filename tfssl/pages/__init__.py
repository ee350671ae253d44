"""Parts of the HTML pages that people look at: each page is one file."""

from tfssl.pages import pictures
from tfssl.pages.frame import page
from tfssl.pages.label_chart import label_chart
from tfssl.pages.results import results_table
from tfssl.pages.tables import Column, search_box, sortable_table

__all__ = [
    "Column",
    "label_chart",
    "page",
    "pictures",
    "results_table",
    "search_box",
    "sortable_table",
]

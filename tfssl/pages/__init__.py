"""Parts of the HTML pages that people look at: each page is one file."""

from tfssl.pages import maps, pictures
from tfssl.pages.frame import page
from tfssl.pages.label_chart import label_chart
from tfssl.pages.results import results_table
from tfssl.pages.samples import nearest, project, sample
from tfssl.pages.tables import Column, search_box, sortable_table

__all__ = [
    "Column",
    "label_chart",
    "maps",
    "nearest",
    "page",
    "pictures",
    "project",
    "results_table",
    "sample",
    "search_box",
    "sortable_table",
]

"""The report of a run, from its folder, its model and its data."""

import numpy as np

from tfssl import transfer
from tfssl.pages import sample
from tfssl.pages.pictures import class_name
from tfssl.runs.report.report import MAP_POINTS, SHOWN, write_report

# Written into the folder by the programs that measure its encoder.
RESULTS = ("evaluation.json", "finetune.json")
# Images that a method shows its figures of.
_FIGURES = 500


def write_run_report(run, model, train, test=None, views=None):
    """Writes `report.html` into the folder of a run, with what the folder holds.

    Args:
        run: `tfssl.runs.Workdir`.
        model: `tfssl.methods.Method`, or its encoder alone.
        train: `tfssl.data.ImageData` of the run.
        test: `tfssl.data.ImageData` for the map of features. Defaults to the training
            images.
        views: `tfssl.views.Views` to show. Defaults to the method's.

    Returns:
        `pathlib.Path` of the report.
    """
    views = getattr(model, "views", None) if views is None else views
    shown = sample(train.labels, len(train), SHOWN)
    originals = np.asarray(train.images[shown])
    mapped = train if test is None else test
    rows = sample(mapped.labels, len(mapped), MAP_POINTS)
    images = np.asarray(mapped.images[rows])
    figures = getattr(model, "figures", lambda images: [])
    settings = run.info["settings"]
    encoder = getattr(model, "encoder", model)
    path = run.path / "report.html"
    write_report(
        path,
        title=f"{settings['method']} of {encoder.name} on {train.name}",
        history=run.metrics(),
        run=run.info,
        originals=originals,
        original_names=_names(train, shown),
        views=[np.asarray(view) for view in views(originals, seed=0)] if views else (),
        mapped_images=images,
        mapped_features=transfer.features(model, images),
        mapped_labels=None if mapped.labels is None else mapped.labels[rows],
        mapped_split=mapped.split,
        class_names=mapped.class_names,
        learned_labels=getattr(model, "needs_labels", False),
        results=results_of(run),
        figures=figures(images[:_FIGURES]),
    )
    return path


def _names(data, rows):
    if data.labels is None:
        return None
    return [class_name(data.class_names, label) for label in data.labels[rows]]


def results_of(run):
    """The results that programs wrote into the folder of a run."""
    results = []
    for name in RESULTS:
        if (run.path / name).exists():
            results += transfer.read_results(run.path / name)["results"]
    return results

"""The model card of a published encoder."""

_CARD = """\
# {name}

{description}

```python
import tfssl

encoder = tfssl.zoo.load("{name}"{source}
features = encoder(images)  # {images}, values in [0, 255] -> {features}
```

{loading}

## How it was trained

| | |
|---|---|
{facts}

All settings and versions are in `metadata.json`.

## Results

{metrics}

## Intended use

Features for images like those of {dataset}: kNN search, a linear classifier, or a start
for fine-tuning with few labels.

## Limits

{limits}

## Licence

Weights: {licence}. Data: {data_licence}.
"""

# These are elsewhere in the card, or too long for it.
_ELSEWHERE = (
    "name",
    "description",
    "limits",
    "licence",
    "data_licence",
    "metrics",
    "settings",
    "versions",
    "pixel_scaling",
    "pixel_mean",
    "pixel_std",
    "input_range",
    "imports",
)
_LABELS = {"dataset": "Trained on"}


def model_card(metadata, source=None):
    """Markdown text of the card.

    Args:
        metadata: dict as `tfssl.zoo.publish` writes it.
        source: string, the address of its zoo, or "" if it lies in a folder, which the
            reader has elsewhere. Defaults to None: the zoo that comes with the package.

    Returns:
        string.
    """
    facts = {
        _LABELS.get(key, key.replace("_", " ").capitalize()): _text(value)
        for key, value in metadata.items()
        if key not in _ELSEWHERE and value is not None and not isinstance(value, dict)
    }
    facts["Parameters"] = f"{metadata['parameters']:,}"
    facts["Input size"] = _size(metadata)
    facts["Input scaling"] = _scaling(metadata)
    facts["Keras"] = metadata["versions"].get("keras", "not stated")
    return _CARD.format(
        name=metadata["name"],
        source=_where(source),
        description=metadata.get("description")
        or f"An image encoder, pretrained on {metadata['dataset']} by "
        f"{metadata['method']}.",
        images=f"{_size(metadata)} RGB",
        features=f"{metadata['feature_dim'] or ''} features".strip(),
        loading=_loading(metadata["imports"]),
        facts="\n".join(_row(*fact) for fact in facts.items()),
        metrics=_metrics_table(metadata.get("metrics")),
        dataset=metadata["dataset"],
        limits=_limits(metadata),
        licence=metadata.get("licence") or "not stated",
        data_licence=metadata.get("data_licence") or "not stated",
    )


def _where(source):
    """How the call that loads an encoder ends."""
    if source:
        return f', source="{source}")'
    return ")" if source is None else ")  # source= or TFSSL_ZOO says where this zoo is"


def _loading(imports):
    load = '`keras.saving.load_model("encoder.keras")`'
    if not imports:
        return f"Loads with Keras alone, too: {load}."
    return f"Import {' and '.join(imports)} before loading by {load}."


def _size(metadata):
    height, width = metadata["input_size"]
    return f"{height}x{width}" if height and width else "any size"


def _scaling(metadata):
    if "pixel_mean" not in metadata:
        return "inside the encoder"
    mean, std = (_text(metadata[f"pixel_{x}"]) for x in ("mean", "std"))
    if (metadata["pixel_mean"], metadata["pixel_std"]) == (0, 1):
        return "inside the encoder: pixels / 255"
    return f"inside the encoder: (pixels / 255 - mean) / std, mean {mean}, std {std}"


def _limits(metadata):
    lines = [metadata["limits"]] if metadata.get("limits") else []
    lines.append(
        f"It was trained on {metadata['dataset']} alone. On other images its features "
        "may be worse: measure them on yours before you rely on them."
    )
    if all(metadata["input_size"]):
        lines.append(f"Images of another size than {_size(metadata)} must be resized.")
    if metadata.get("metrics"):
        lines.append("The results hold for their protocol and data set only.")
    return "\n".join(f"- {line}" for line in lines)


def _metrics_table(metrics):
    if not metrics:
        return "It was not measured."
    rows = [
        _row("Protocol", "Metric", "Value", "Measured how"),
        "|---|---|---|---|",
    ]
    for result in metrics:
        value = f"{result['value']:.4f}"
        if result.get("std") is not None:
            value += f" ± {result['std']:.4f}"
        how = "; ".join(
            f"{key.replace('_', ' ')}: {_text(setting)}"
            for key, setting in (result.get("settings") or {}).items()
            if setting is not None and not isinstance(setting, dict)
        )
        metric = result.get("metric") or "accuracy"
        rows.append(_row(result["protocol"], metric, value, how))
    return "\n".join(rows)


def _row(*cells):
    # A bar or a line break would end the cell.
    cells = [str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells]
    return f"| {' | '.join(cells)} |"


def _text(value):
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return str(value)

"""The model card of a published encoder."""

_CARD = """\
# {name}

{description}

```python
import tfssl

encoder = tfssl.zoo.load("{name}")
features = encoder(images)  # {height}x{width} RGB, values in [0, 255] -> {dim} features
```

| | |
|---|---|
{facts}

## What it is worth

{metrics}

## Intended use

Features for images like those it was trained on: kNN search, a linear classifier, or a
start for fine-tuning with few labels. It has seen no labels, and no other images than
those of {dataset}: measure it on yours before you rely on it.

## Licence

Weights: {licence}. Data: {data_licence}.

All settings and versions of the run are in `metadata.json`.
"""


def model_card(metadata):
    """Markdown text of the card.

    Args:
        metadata: dict as `publish` writes it.

    Returns:
        string.
    """
    height, width = metadata["input_size"]
    scaling = metadata["pixel_scaling"]
    facts = {
        "Method": metadata["method"],
        "Trained on": metadata["dataset"],
        "Encoder": metadata.get("encoder"),
        "Parameters": f"{metadata['parameters']:,}",
        "Epochs": metadata.get("epochs"),
        "Batch": metadata.get("batch_size"),
        "Seed": metadata.get("seed"),
        "Input scaling, inside": "pixels * {scale} + {offset}".format(**scaling)
        if scaling
        else None,
        "Commit": metadata.get("commit"),
        "Keras": metadata["versions"].get("keras"),
    }
    return _CARD.format(
        name=metadata["name"],
        description=metadata.get("description")
        or f"An image encoder, pretrained by {metadata['method']} without labels.",
        height=height,
        width=width,
        dim=metadata["feature_dim"],
        facts="\n".join(f"| {k} | {v} |" for k, v in facts.items() if v is not None),
        metrics=_metrics_table(metadata.get("metrics")),
        dataset=metadata["dataset"],
        licence=metadata.get("licence", "not stated"),
        data_licence=metadata.get("data_licence", "not stated"),
    )


def _metrics_table(metrics):
    if not metrics:
        return "It was not measured."
    lines = ["| protocol | accuracy | measured how |", "|---|---|---|"]
    for result in metrics:
        value = f"{result['value']:.4f}"
        if result.get("std") is not None:
            value += f" ± {result['std']:.4f}"
        how = "; ".join(
            f"{key.replace('_', ' ')}: {setting}"
            for key, setting in result.get("settings", {}).items()
            if setting is not None and not isinstance(setting, dict)
        )
        lines.append(f"| {result['protocol']} | {value} | {how} |")
    return "\n".join(lines)

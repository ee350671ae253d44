"""Metadata of an encoder: what its card says, and what the encoder itself tells."""

import json
import numbers

import keras
import numpy as np

from tfssl.files import versions

_REQUIRED = ("method", "dataset")
_SUMMARY = ("method", "dataset", "epochs", "input_size", "feature_dim", "parameters")


def describe(encoder, name, card):
    """Metadata of an encoder.

    Args:
        encoder: `keras.Model`.
        name: string.
        card: dict, see `tfssl.zoo.publish`.

    Returns:
        Dict that JSON can hold: the card, and what is read from the encoder.

    Raises:
        ValueError: if the encoder takes no images, or the card lacks a required key or
            has values that JSON cannot hold.
    """
    missing = [key for key in _REQUIRED if not card.get(key)]
    if missing:
        raise ValueError(
            f"The card must say {' and '.join(missing)}. Received: {sorted(card)}"
        )
    for result in card.get("metrics") or ():
        if not _is_result(result):
            raise ValueError(
                "Each of the card's metrics is a dict with a protocol and a value, a "
                "number; if it has a std, that is a number too, and settings are a "
                f"dict. Received: {result!r}"
            )
    if not isinstance(card.get("versions") or {}, dict):
        raise ValueError(
            "The card's versions are a dict of names of packages. Received: "
            f"{card['versions']!r}"
        )
    metadata = {
        **card,
        "name": name,
        **_input(encoder),
        "input_range": [0, 255],
        **_scaling(encoder),
        "parameters": encoder.count_params(),
        "versions": card.get("versions") or versions(),
    }
    try:
        json.dumps(metadata, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The card has a value that JSON cannot hold: {error}. Use plain numbers, "
            "strings, lists and dicts."
        ) from error
    return metadata


def summary(metadata):
    """The part that the index repeats, with the measured values by protocol."""
    facts = {key: metadata[key] for key in _SUMMARY if metadata.get(key) is not None}
    for result in metadata.get("metrics") or ():
        count = (result.get("settings") or {}).get("labels_per_class")
        name = f"{result['protocol']}_{count}" if count else result["protocol"]
        facts[name] = result["value"]
    return facts


def _is_result(result):
    return (
        isinstance(result, dict)
        and bool(result.get("protocol"))
        and isinstance(result.get("value"), numbers.Real)
        and isinstance(result.get("std") or 0, numbers.Real)
        and isinstance(result.get("settings") or {}, dict)
    )


def _input(encoder):
    """Height, width and features, None where they are not fixed."""
    # Subclassed models do not know their shapes.
    shape = getattr(encoder, "input_shape", (None, None, None, 3))
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            "An encoder takes images [batch, height, width, 3]. The input of "
            f"{encoder.name} has the shape {shape}."
        )
    features = getattr(encoder, "output_shape", (None,))[-1]
    return {"input_size": [*shape[1:3]], "feature_dim": features}


def _scaling(encoder):
    """How the encoder scales pixels, if a single Rescaling layer does it."""
    layers = keras.layers
    found = [
        layer
        for layer in _leaves(encoder)
        if isinstance(layer, (layers.Rescaling, layers.Normalization))
    ]
    if len(found) != 1 or not isinstance(found[0], layers.Rescaling):
        return {"pixel_scaling": None}
    scale, offset = (
        np.asarray(x, "float64") for x in (found[0].scale, found[0].offset)
    )
    # pixels * scale + offset = (pixels / 255 - mean) / std
    std = 1 / (255 * scale)
    return {
        "pixel_scaling": {"scale": scale.tolist(), "offset": offset.tolist()},
        "pixel_mean": (0.0 - offset * std).round(6).tolist(),
        "pixel_std": std.round(6).tolist(),
    }


def _leaves(model):
    for layer in model.layers:
        yield from _leaves(layer) if isinstance(layer, keras.Model) else [layer]

"""Models of Keras's own layers, that load where tfssl is not installed."""

import keras

from tfssl.encoders.precision import float32_policy
from tfssl.layers import BatchNormalization, SplitBatchNormalization

_NORMS = {
    keras.saving.get_registered_name(layer)
    for layer in (BatchNormalization, SplitBatchNormalization)
}
# How they normalise in training; Keras's layer does not know these arguments, or means
# something else by them.
_TRAINING = ("synchronized", "groups")


def plain_keras(model):
    """A copy of a model with Keras's batch normalisation in place of tfssl's.

    In inference they compute the same. In training Keras's layer takes its statistics
    from the batch of one replica, in one group. Nested models are copied likewise.

    Args:
        model: built `keras.Model` that can be made from its config. It is not changed.

    Returns:
        `keras.Model` with the same names and weights, not compiled.

    Example:
        >>> import keras, tfssl
        >>> from tfssl.zoo.plain import needed_imports, plain_keras
        >>> encoder = tfssl.encoders.resnet10(16, stem="small", width=4)
        >>> needed_imports(encoder), needed_imports(plain_keras(encoder))
        (['tfssl.layers.batch_normalization'], [])
    """
    config = _plain(keras.saving.serialize_keras_object(model))
    with float32_policy():
        copy = keras.saving.deserialize_keras_object(config)
    copy.set_weights(model.get_weights())
    return copy


def needed_imports(model):
    """What must be imported before a saved model can be loaded, besides Keras.

    Args:
        model: `keras.Model` that can be made from its config.

    Returns:
        Sorted list of the modules that define and register its layers, such as
        "tfssl.layers.patches"; empty if the model loads with Keras alone.
    """
    return sorted(set(_imports(keras.saving.serialize_keras_object(model))))


def _plain(config):
    if isinstance(config, (list, tuple)):
        return type(config)(_plain(value) for value in config)
    if not isinstance(config, dict):
        return config
    config = {k: _plain(v) for k, v in config.items() if k != "compile_config"}
    if config.get("registered_name") not in _NORMS:
        return config
    arguments = {k: v for k, v in config["config"].items() if k not in _TRAINING}
    return {
        **config,
        "module": "keras.layers",
        "class_name": "BatchNormalization",
        "registered_name": None,
        "config": arguments,
    }


def _imports(config):
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _imports(value)
    elif isinstance(config, dict):
        module = config.get("module")
        if module == "builtins":
            # A function: only its registered name is told.
            module = keras.saving.get_registered_object(config["config"]).__module__
        if isinstance(module, str) and module.partition(".")[0] != "keras":
            yield module
        yield from _imports(list(config.values()))

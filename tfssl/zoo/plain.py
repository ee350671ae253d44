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
    config = keras.saving.serialize_keras_object(model)
    return sorted({module for module, _ in _foreign(config)})


def foreign_parts(model):
    """The parts of a model that Keras does not have.

    Args:
        model: `keras.Model` that can be made from its config.

    Returns:
        Sorted list of strings that say how each is called, what it is and the module
        that defines it.

    Example:
        >>> import tfssl
        >>> from tfssl.zoo.plain import foreign_parts
        >>> foreign_parts(tfssl.encoders.vit(16, width=8, depth=1))[0]
        'block_1, a DropPathBlock of tfssl.encoders.drop_path'
    """
    config = keras.saving.serialize_keras_object(model)
    return sorted({f"{name} of {module}" for module, name in _foreign(config)})


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


def _foreign(config):
    """Yields the module of each part that is not Keras's, and how it is called."""
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _foreign(value)
    elif isinstance(config, dict):
        module, kind, own = (
            config.get(key) for key in ("module", "class_name", "config")
        )
        name = own.get("name") if isinstance(own, dict) else own
        if module == "builtins":
            # A function: only its registered name is told.
            module = keras.saving.get_registered_object(own).__module__
        if isinstance(module, str) and module.partition(".")[0] != "keras":
            yield module, f"{name}, a {kind}" if name else kind
        yield from _foreign(list(config.values()))

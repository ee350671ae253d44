"""Models in float32, whatever they were trained in."""

import contextlib

import keras

_HALF = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16")


def in_float32(model):
    """A copy of a model that computes in float32.

    What was trained in `mixed_bfloat16` keeps its float32 weights and rounds no longer
    between layers. Layers of other types, such as integers, stay as they are.

    Args:
        model: built `keras.Model`, of any precision policy. It is not changed.

    Returns:
        `keras.Model` with the same weights, not compiled.

    Raises:
        ValueError: if the model is not built, or cannot be made from its config.

    Example:
        >>> import keras
        >>> from tfssl.encoders import in_float32
        >>> half = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
        >>> half.layers[0].dtype_policy = keras.DTypePolicy("mixed_bfloat16")
        >>> in_float32(half).layers[0].compute_dtype
        'float32'
    """
    if not model.built:
        raise ValueError(
            f"{model.name} has no weights yet. Call it once on images before."
        )
    config = _in_float32(keras.saving.serialize_keras_object(model))
    try:
        with float32_policy():
            copy = keras.saving.deserialize_keras_object(config)
        copy.set_weights(model.get_weights())
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name} cannot be made from its config, so nobody could load it "
            "safely. Use registered classes whose get_config says all of their "
            f"arguments, and no Lambda layer. {error}"
        ) from error
    return copy


@contextlib.contextmanager
def float32_policy():
    """Within it, models made from a config compute as the config says.

    Layers that a layer makes for itself appear in no config and take the global policy.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def _in_float32(config):
    """The config with float32 for half precision, without optimizer and loss."""
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        name = config["config"]["name"]
        return {**config, "config": {"name": "float32" if name in _HALF else name}}
    return {
        key: "float32" if key == "dtype" and value in _HALF else _in_float32(value)
        for key, value in config.items()
        if key != "compile_config"
    }

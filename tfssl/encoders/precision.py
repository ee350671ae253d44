"""A model in another precision."""

import keras


def in_float32(model):
    """The same model, all of it computing in float32.

    Args:
        model: `keras.Model`, of any precision policy.

    Returns:
        `keras.Model` with the same weights; the given one if it is float32 already.
    """
    config = keras.saving.serialize_keras_object(model)
    changed = _float32_policies(config)
    if changed == config:
        return model
    copy = keras.saving.deserialize_keras_object(changed)
    copy.set_weights(model.get_weights())
    return copy


def _float32_policies(config):
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        return {key: _float32_policies(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_float32_policies(value) for value in config)
    return config

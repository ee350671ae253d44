"""What NAME=VALUE means: its value, and what may be set."""

import ast
import inspect

# What a setting takes for arguments with such defaults; for None it takes any value.
_KINDS = {
    bool: ("true or false", (bool,)),
    int: ("a number or none", (int, float, type(None))),
    float: ("a number", (int, float)),
    list: ("several values, such as 0.2,1", (list, tuple)),
    tuple: ("several values, such as 0.2,1", (list, tuple)),
}
_WORDS = {"true": True, "false": False, "none": None}
# Arguments that are None or a name.
_NAMES = ("local_layer", "patch_views")
# Arguments with a place of their own in a recipe or a method.
_OTHERS = ("self", "encoder", "views", "image_size", "channels", "seed", "name")


def value_of(setting, default):
    """The value of a setting, which is of the kind of the default.

    Args:
        setting: string NAME=VALUE.
        default: the argument's default.

    Returns:
        The value.

    Raises:
        ValueError: for a value of another kind.

    Example:
        >>> from tfssl.methods.settings import value_of
        >>> value_of("crop_scale=0.2,1", default=(0.08, 1.0))
        (0.2, 1)
    """
    name, _, text = setting.partition("=")
    if isinstance(default, str):
        return text.strip("'\"")
    value = text
    try:
        value = (
            _WORDS[text.lower()] if text.lower() in _WORDS else ast.literal_eval(text)
        )
    except (SyntaxError, TypeError, ValueError):
        if default is None and name in _NAMES:
            return text
    kind, types = _KINDS.get(type(default), ("a value, and text in quotes", ()))
    if value is text or (types and type(value) not in types):
        raise ValueError(f"{name} takes {kind}. Received: {setting!r}")
    return value


def arguments_of(make):
    """Names and defaults of the arguments that a setting may give to a function."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(make).parameters.items()
        if name not in _OTHERS and parameter.kind is not parameter.VAR_KEYWORD
    }


def make_with(arguments, settings, make, *args, **kwargs):
    """A part of the model. If it does not fit, the settings that it got are named.

    Args:
        arguments: dict, what `make` gets besides.
        settings: strings NAME=VALUE, which some of the arguments come from.
        make: class or function.
        *args, **kwargs: what else it gets.

    Returns:
        What `make` returns.

    Raises:
        ValueError: if an argument that was set does not fit.
    """
    try:
        return make(*args, **kwargs, **arguments)
    except (AttributeError, IndexError, TypeError) as error:
        given = [
            setting
            for setting in settings
            if setting.partition("=")[0].rpartition(".")[2] in arguments
        ]
        if not given:
            raise
        raise ValueError(f"{' '.join(given)} does not fit: {error}") from error

"""What --set=NAME=VALUE means: its value, and what may be set."""

import ast
import inspect

# What --set takes for arguments with such defaults; for None it takes any value.
KINDS = {
    bool: ("true or false", (bool,)),
    int: ("a number or none", (int, float, type(None))),
    float: ("a number", (int, float)),
    list: ("several values, such as 0.2,1", (list, tuple)),
    tuple: ("several values, such as 0.2,1", (list, tuple)),
}
WORDS = {"true": True, "false": False, "none": None}
# Arguments that are None or a name.
NAMES = ("local_layer", "patch_views")


def value_of(setting, default):
    """The value of NAME=VALUE, which is of the kind of the default."""
    name, _, text = setting.partition("=")
    if isinstance(default, str):
        return text.strip("'\"")
    value = text
    try:
        value = WORDS[text.lower()] if text.lower() in WORDS else ast.literal_eval(text)
    except (SyntaxError, TypeError, ValueError):
        if default is None and name in NAMES:
            return text
    kind, types = KINDS.get(type(default), ("a value, and text in quotes", ()))
    if value is text or (types and type(value) not in types):
        raise ValueError(f"--set={name} takes {kind}. Received: {text!r}")
    return value


def defaults(make):
    """Names and defaults of the arguments that --set may give."""
    others = ("self", "encoder", "views", "image_size", "seed", "name", "kwargs")
    return {
        name: parameter.default
        for name, parameter in inspect.signature(make).parameters.items()
        if name not in others
    }

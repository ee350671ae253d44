"""Packages whose parts are imported when they are first used.

A file may then import from the package that it lies in, without a circle.
"""

import importlib
import sys


def parts(package, places):
    """`__getattr__` of a package.

    Args:
        package: string, its `__name__`.
        places: dict from each public name to the module of the package that defines
            it.

    Returns:
        A function, for the package's `__getattr__`.

    Example:
        >>> import tfssl
        >>> tfssl.methods.SimCLR.__name__
        'SimCLR'
    """

    def load(name):
        if name not in places:
            raise AttributeError(f"{package} has no {name!r}")
        module = importlib.import_module(f"{package}.{places[name]}")
        found = getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    return load

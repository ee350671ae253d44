"""Pickles, read by a small interpreter that looks up no names.

Python's own runs whatever function a pickle names. This one knows the few steps that
make containers, numbers and text; of a name it keeps the text, and what it stands for
is in a table of the reader. Any other name is refused.
"""

import pickletools
from collections import OrderedDict

from tfssl.zoo.errors import FormatError

# A pickle holds names and shapes; the numbers are beside it.
MAX_PICKLE = 64 * 2**20
_MAX_STEPS = 10**7
_KEYS = (str, bytes, int, float, type(None))


class Name(str):
    """The name of a class or function in a pickle, as text."""


class Inert:
    """In place of an object of a class that nobody needs: it keeps nothing."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"Inert({self.name!r})"


class Interpreter:
    """Reads pickles.

    Args:
        calls: dict from names, such as "collections.OrderedDict", to functions of ours
            that stand for them.
        constants: names that are allowed, but not called.
        persistent: function of what the pickle says of an object outside of it.
            Defaults to None: there are none.
        inert: further names, whose objects become `Inert`.
    """

    def __init__(self, calls=None, constants=(), persistent=None, inert=()):
        self.calls = {"collections.OrderedDict": ordered_dict, **(calls or {})}
        self.inert = frozenset(inert)
        self.allowed = {*self.calls, *constants, *self.inert}
        self.persistent = persistent

    def read(self, file):
        """The object of the pickle at the place of a file.

        Args:
            file: binary file; afterwards at the end of the pickle.

        Raises:
            FormatError: for a name that is not allowed, or a step that is not known.
            Exception: any other that a damaged pickle may cause.
        """
        self.stack, self.marks, self.memo = [], [], {}
        for number, (step, argument, _) in enumerate(pickletools.genops(file)):
            if step.name == "STOP":
                break
            if number > _MAX_STEPS:
                raise FormatError(f"a pickle of more than {_MAX_STEPS:,} steps")
            if step.name not in _STEPS:
                raise FormatError(f"a pickle with the step {step.name}")
            _STEPS[step.name](self, argument)
        (result,) = self.stack
        return result

    def push(self, x):
        self.stack.append(x)

    def pop(self, count):
        """The last objects, in their order."""
        start = len(self.stack) - count
        if start < (self.marks[-1] if self.marks else 0):
            raise FormatError("a pickle that takes more than there is")
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def mark(self, _):
        self.marks.append(len(self.stack))

    def marked(self):
        """The objects since the last mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def remember(self, key):
        self.memo[len(self.memo) if key is None else key] = self.stack[-1]

    def named(self, name):
        if name not in self.allowed:
            raise FormatError(
                f"it names {name}, which tensors do not need. Nothing was run. To pass "
                f"over objects of this name: inert=[{name!r}]"
            )
        self.push(Name(name))

    def call(self, _):
        function, arguments = self.pop(2)
        if isinstance(function, Name) and function in self.calls:
            self.push(self.calls[function](*arguments))
        elif isinstance(function, Name) and function in self.inert:
            self.push(Inert(str(function)))
        else:
            raise FormatError(f"a pickle that calls {function!r}")

    def extend(self, items):
        (target,) = self.pop(1)
        if type(target) is not list:
            raise FormatError("a pickle that appends to what is no list")
        target.extend(items)
        self.push(target)

    def update(self, items):
        (target,) = self.pop(1)
        if isinstance(target, dict):
            keys, values = items[::2], items[1::2]
            for key, value in zip(keys, values, strict=True):
                target[_key(key)] = value
        elif not isinstance(target, Inert):
            raise FormatError("a pickle that sets items of what is no dict")
        self.push(target)

    def build(self, _):
        # What is left of the object's state is of no use here.
        self.pop(1)


def ordered_dict(items=()):
    return OrderedDict((_key(key), value) for key, value in items)


def _key(key):
    # Of nested tuples the hash may take for ever.
    if not isinstance(key, _KEYS):
        raise FormatError(f"a dict with a key of type {type(key).__name__}")
    return key


def _constant(x):
    return lambda machine, _: machine.push(x)


def _empty(kind):
    return lambda machine, _: machine.push(kind())


def _tuple(count):
    return lambda machine, _: machine.push(tuple(machine.pop(count)))


def _external(machine, _):
    if machine.persistent is None:
        raise FormatError("a pickle with an object outside of it")
    machine.push(machine.persistent(*machine.pop(1)))


_STEPS = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, _: None),
    **dict.fromkeys(
        (
            *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
            *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
            *("BINBYTES", "SHORT_BINBYTES"),
        ),
        Interpreter.push,
    ),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "EMPTY_LIST": _empty(list),
    "EMPTY_DICT": _empty(dict),
    "EMPTY_TUPLE": _empty(tuple),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "MARK": Interpreter.mark,
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.marked()),
    "SETITEM": lambda machine, _: machine.update(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.marked()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), Interpreter.remember),
    **dict.fromkeys(
        ("BINGET", "LONG_BINGET"), lambda machine, key: machine.push(machine.memo[key])
    ),
    # "module name", as pickletools gives it.
    "GLOBAL": lambda machine, name: machine.named(name.replace(" ", ".")),
    "STACK_GLOBAL": lambda machine, _: machine.named(".".join(machine.pop(2))),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), Interpreter.call),
    "BUILD": Interpreter.build,
    "BINPERSID": _external,
}

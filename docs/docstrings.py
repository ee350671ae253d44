"""How mkdocstrings reads our docstrings: their headings by the names that it knows."""

import re
import textwrap

import griffe

KNOWN = {"Example": "Examples", "Call arguments": "Other Parameters"}
RETURNS = re.compile(r"^Returns:\n((?:[ ].*\n?|\n)+)", re.MULTILINE)


class Headings(griffe.Extension):
    """Changes the headings of sections before docstrings are parsed."""

    def on_instance(self, *, obj, **kwargs):
        if not obj.docstring:
            return
        text = textwrap.dedent(obj.docstring.value)
        for ours, theirs in KNOWN.items():
            text = re.sub(rf"^{ours}:$", f"{theirs}:", text, flags=re.MULTILINE)
        # Plain text: what is returned has no name, and its type is in the words.
        obj.docstring.value = RETURNS.sub(
            lambda found: f"**Returns:**\n\n{textwrap.dedent(found[1])}\n", text
        )

"""What the README says of the methods is what the package says.

`UPDATE=1 pytest tests/test_readme.py` writes the table anew.
"""

import itertools
import os
import re
from pathlib import Path

import tfssl

README = Path(__file__).parents[1] / "README.md"
HEADER = """\
| `--method` | class | paper | what is compared with what |
|---|---|---|---|
"""


def methods_table():
    """A row for each class: its names, papers and the first line of its docstring."""
    rows = []
    by_class = itertools.groupby(tfssl.methods.METHODS, tfssl.methods.method_class)
    for method, names in by_class:
        summary = method.__doc__.splitlines()[0].removesuffix(".")
        source = " ".join(method.__doc__.partition("Source:")[2].split())
        papers = ", ".join(
            f"[{number}](https://arxiv.org/abs/{number})"
            for number in re.findall(r"arXiv (\d{4}\.\d{5})", source)
        )
        names = ", ".join(f"`{name}`" for name in names)
        summary = summary[0].lower() + summary[1:]
        rows.append(f"| {names} | `{method.__name__}` | {papers} | {summary} |\n")
    return HEADER + "".join(rows)


def test_the_table_of_methods():
    text = README.read_text()
    table = re.search(re.escape(HEADER) + r"(\|.*\n)*", text)[0]
    if os.environ.get("UPDATE"):
        README.write_text(text.replace(table, methods_table()))
        return
    assert table == methods_table()

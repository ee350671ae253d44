"""tfssl: pretrain an image encoder without labels, then use it.

    tfssl pretrain --dataset=folder:photos --workdir=runs/photos

`tfssl PROGRAM --help` lists the flags of a program.
"""

import ast
import difflib
import os
import runpy
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
# In the order of their use.
PROGRAMS = (
    "quickstart",
    "pretrain",
    "evaluate",
    "finetune",
    "predict",
    "search",
    "compare",
    "steptime",
    "report",
    "publish",
    "verify_zoo",
    "zoo_table",
    "zoo_examples",
    "export",
    "distill",
    "convert",
)


def main():
    """Runs the program that the first argument names; the console command `tfssl`."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        print(overview())
        return
    if name not in PROGRAMS:
        near = difflib.get_close_matches(name, PROGRAMS, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        print(
            f"There is no program {name!r}.{meant} Programs: {', '.join(PROGRAMS)}.",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.argv = [f"tfssl {name}", *arguments]
    # Programs import what they share from their own folder.
    sys.path.insert(0, FOLDER)
    runpy.run_path(os.path.join(FOLDER, f"{name}.py"), run_name="__main__")


def overview():
    """What `tfssl --help` prints: each program with the first line of its page."""
    width = max(map(len, PROGRAMS))
    lines = []
    for name in PROGRAMS:
        with open(os.path.join(FOLDER, f"{name}.py"), encoding="utf-8") as file:
            page = ast.get_docstring(ast.parse(file.read()))
        lines.append(f"  {name:<{width}}  {page.splitlines()[0]}")
    return f"{__doc__}\nPrograms:\n" + "\n".join(lines)


if __name__ == "__main__":
    main()

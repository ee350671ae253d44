"""Tables in their place in a page of docs/."""

from pathlib import Path

END = "<!-- end -->"


def begin(program):
    """The line of a page after which the tables of a program of benchmarks/ stand."""
    return f"<!-- the tables of benchmarks/{program}.py -->"


def write_tables(page, program, lines):
    """Puts lines between the marks of a page.

    Args:
        page: path of a Markdown file that has the two marks.
        program: string, name of the program whose tables they are.
        lines: list of strings.

    Raises:
        ValueError: for a page without the marks.
    """
    from tfssl import files

    text = Path(page).read_text()
    if begin(program) not in text or END not in text.split(begin(program))[1]:
        raise ValueError(
            f"{page} needs the lines {begin(program)!r} and {END!r}, between which the "
            "tables stand. Received: a page without them"
        )
    before, rest = text.split(begin(program))
    after = rest.split(END, 1)[1]
    tables = "\n".join([begin(program), *lines, "", END])
    files.write_text(page, before + tables + after)
    print(f"Look at {page}")


def row(*cells):
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"

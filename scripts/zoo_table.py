"""Write the table of a zoo's encoders, and plots of their accuracy with few labels.

    tfssl zoo_table --write=README.md --plots=docs/zoo_labels

--write puts the tables between two lines of a Markdown file:

    <!-- the tables of tfssl zoo_table -->
    <!-- end of them -->

--plots writes NAME.svg into a folder, for each data set. Everything is read from the
index and the metadata; nothing is loaded or measured.
"""

from pathlib import Path

import running
from absl import flags

FLAGS = flags.FLAGS
BEGIN, END = "<!-- the tables of tfssl zoo_table -->", "<!-- end of them -->"

flags.DEFINE_string(
    "zoo", None, "Folder or address of the zoo. Default: TFSSL_ZOO, else the package's."
)
flags.DEFINE_multi_string(
    "write", [], "Markdown file whose tables are replaced. May be repeated."
)
flags.DEFINE_string("plots", None, "Folder for the plots; made if it does not exist.")


def main():
    for path in FLAGS.write:
        replaced(path, "")
    # Imported here so that mistakes above are told at once.
    running.start("float32")
    from tfssl.files import write_text
    from tfssl.zoo.fetch import read_index
    from tfssl.zoo.index import resolve_pin, resolve_source
    from tfssl.zoo.published import published
    from tfssl.zoo.table import markdown_tables

    source = resolve_source(FLAGS.zoo)
    # That the index is the one that the pin is of.
    read_index(source, resolve_pin(FLAGS.zoo))
    encoders = published(source)
    tables = markdown_tables(encoders)
    made = plots(encoders) if FLAGS.plots else {}
    for path in FLAGS.write:
        write_text(path, replaced(path, tables))
        print(f"Wrote the tables of {path}")
    if FLAGS.plots:
        Path(FLAGS.plots).mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            write_text(Path(FLAGS.plots) / f"{name}.svg", text)
            print(f"Wrote {Path(FLAGS.plots) / name}.svg")
    if not FLAGS.write:
        print(tables)


def plots(encoders):
    """The plots as images of their own: a dict from names of data sets to SVG texts.

    Raises:
        ValueError: if nothing was measured with few labels, or a name is no file's.
    """
    from tfssl.pages import label_chart
    from tfssl.zoo.published import curves

    found = curves(encoders)
    if not found:
        raise ValueError(
            "No card of this zoo states an accuracy with few labels. Leave out --plots."
        )
    for name in found:
        if not name or Path(name).name != name:
            raise ValueError(f"A data set of this zoo has no name for a file: {name!r}")
    return {
        name: label_chart(series, f"Accuracy against labels: {name}", standalone=True)
        for name, series in found.items()
    }


def replaced(path, tables):
    """The text of a file with other tables between the two lines.

    Raises:
        ValueError: if it has no such lines, once each and in this order.
    """
    text = Path(path).read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end or text.count(BEGIN) > 1:
        raise ValueError(
            f"{path} has no place for the tables. Put these two lines where they "
            f"belong:\n{BEGIN}\n{END}"
        )
    return f"{before}{begin}\n{tables}\n{end}{after}"


if __name__ == "__main__":
    running.run(main)

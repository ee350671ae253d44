"""Write the table of a zoo's encoders, and a plot of their accuracy with few labels.

    tfssl zoo_table --write=README.md --plot=docs/zoo_labels.svg

--write puts the tables between two lines of a Markdown file:

    <!-- the tables of tfssl zoo_table -->
    <!-- end of them -->

Everything is read from the index and the metadata; nothing is loaded or measured.
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
flags.DEFINE_string("plot", None, "SVG file for the plot.")


def main():
    for path in FLAGS.write:
        replaced(path, "")
    # Imported here so that mistakes above are told at once.
    running.start("float32")
    from tfssl.files import write_text
    from tfssl.zoo.index import resolve_source
    from tfssl.zoo.published import published
    from tfssl.zoo.table import markdown_tables

    encoders = published(resolve_source(FLAGS.zoo))
    tables = markdown_tables(encoders)
    for path in FLAGS.write:
        write_text(path, replaced(path, tables))
        print(f"Wrote the tables of {path}")
    if FLAGS.plot:
        write_text(FLAGS.plot, plot(encoders))
        print(f"Wrote {FLAGS.plot}")
    if not FLAGS.write:
        print(tables)


def plot(encoders):
    """The plot as an image of its own.

    Raises:
        ValueError: if nothing was measured with few labels.
    """
    from tfssl.pages import label_chart
    from tfssl.zoo.published import curves

    title = "Accuracy against labels of each class"
    text = label_chart(curves(encoders), title, standalone=True)
    if not text:
        raise ValueError(
            "No card of this zoo states an accuracy with few labels. Leave out --plot."
        )
    return text


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

"""Labels of image files in a table: a CSV file with a column of files and of labels."""

import collections
import csv
import os

import numpy as np

FILE_COLUMNS = ("file", "filename", "path", "image")
LABEL_COLUMNS = ("label", "class")
# So many files are named in an error.
_NAMED = 5


class LabelTable:
    """The labels of a folder's images, read from a CSV file.

    The first line names the columns: `file` (or `filename`, `path`, `image`) and
    `label` (or `class`); others are ignored. Files are paths relative to the folder, or
    names alone where no two files have the same.

    Args:
        path: the CSV file, UTF-8.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not such a table.

    Example:
        >>> from tfssl.data.table import LabelTable
        >>> with open("labels.csv", "w") as file:
        ...     _ = file.write("file,label\\na.jpg,cat\\nsome/b.jpg,dog\\n")
        >>> table = LabelTable("labels.csv")
        >>> table.class_names
        ('cat', 'dog')
        >>> table.labels(["some/b.jpg", "a.jpg"], ["a.jpg", "some/b.jpg"])
        array([1, 0])
    """

    def __init__(self, path):
        self.path = path
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f"labels={path}: there is no file {os.path.abspath(path)}."
            )
        # Path of the table -> label.
        self._rows = self._read()
        self.class_names = _sorted_classes(set(self._rows.values()))

    def _read(self):
        rows = {}
        try:
            # -sig: spreadsheets begin the file with a byte order mark.
            with open(self.path, newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file)
                file_column, label_column = self._columns(next(reader, []))
                for row in reader:
                    if row:
                        cells = [
                            row[column].strip() if column < len(row) else ""
                            for column in (file_column, label_column)
                        ]
                        self._add(rows, *cells, reader.line_num)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"labels={self.path} is not a CSV file in UTF-8 ({error})."
            ) from error
        return rows

    def _columns(self, header):
        names = [name.strip().lower() for name in header]
        columns = []
        for known in (FILE_COLUMNS, LABEL_COLUMNS):
            found = [names.index(name) for name in known if name in names]
            if not found:
                raise ValueError(
                    f"labels={self.path} has no column {' or '.join(known)}. Its first "
                    "line must name the columns, separated by commas: file,label. "
                    f"Received: {','.join(header)!r}."
                )
            columns.append(found[0])
        return columns

    def _add(self, rows, file, label, line):
        if not file or not label:
            raise ValueError(
                f"labels={self.path}, line {line}: a file and its label were expected. "
                f"Received: file {file!r}, label {label!r}."
            )
        file = os.path.normpath(file)
        if rows.setdefault(file, label) != label:
            raise ValueError(
                f"labels={self.path}, line {line}: {file} has two labels, "
                f"{rows[file]!r} and {label!r}. Keep one of its lines."
            )

    def labels(self, images, files, missing=False):
        """The labels of some images of a folder.

        Args:
            images: list of str, the images, relative to the folder.
            files: list of str, all files of the folder that the table may speak of, be
                they images or not.
            missing: bool, whether images may be missing in the table: their label is
                -1.

        Returns:
            int array, indices in `class_names`.

        Raises:
            ValueError: when an image is missing that may not, or a file of the table is
                not in the folder.
        """
        by_file = self.by_file(files)
        unknown = [image for image in images if image not in by_file]
        if unknown and not missing:
            raise ValueError(
                f"{len(unknown)} of {len(images)} images are not in "
                f"labels={self.path}: {_some(unknown)}. Give each a line with its path "
                "relative to the folder, or load the images of the table only, "
                'unlabelled="leave_out", or all, unlabelled="keep".'
            )
        index = {name: label for label, name in enumerate(self.class_names)}
        return np.array([index.get(by_file.get(image), -1) for image in images], int)

    def by_file(self, files):
        """Labels by the paths of files, of those that the table speaks of.

        Args:
            files: as for `labels`.

        Returns:
            Dict from path to string.

        Raises:
            ValueError: when a file of the table is not in the folder or has two
                labels.
        """
        paths = set(files)
        by_name = collections.defaultdict(list)
        for file in files:
            by_name[os.path.basename(file)].append(file)
        found, unknown = {}, []
        for row, label in self._rows.items():
            named = [row] if row in paths else by_name.get(row, [])
            if len(named) > 1:
                raise ValueError(
                    f"labels={self.path}: {len(named)} files are named {row}: "
                    f"{_some(named)}. Give their paths relative to the folder."
                )
            if not named:
                unknown.append(row)
            elif found.setdefault(named[0], label) != label:
                raise ValueError(
                    f"labels={self.path}: {named[0]} has two labels, "
                    f"{found[named[0]]!r} and {label!r}. Keep one of its lines."
                )
        if unknown:
            raise ValueError(
                f"{len(unknown)} files of labels={self.path} are not in the folder: "
                f"{_some(unknown)}. Paths are relative to the folder; take out the "
                "lines of files that are gone."
            )
        return found


def _sorted_classes(names):
    """The names of classes in order; if all are integers, in that of the integers."""
    try:
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(names))


def _some(files):
    more = len(files) - _NAMED
    return ", ".join(files[:_NAMED]) + (f" and {more} more" if more > 0 else "")

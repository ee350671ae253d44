"""Files that others wrote: what is no regular file of a fair size is never opened.

A named pipe would be waited for, and a device may have no end.
"""

import json
import os
import stat

from tfssl.zoo.errors import FormatError, NotFoundError

# An index of a thousand encoders has a megabyte.
_MOST_TEXT = 16 * 2**20


def exists(path):
    """Whether there is anything at a path that can be opened or listed.

    Raises:
        NotFoundError: if the system does not tell, as for a name that is too long.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise NotFoundError(f"{path} cannot be reached ({error}).") from error
    return True


def regular_size(path):
    """Bytes of a regular file, or of the one that a link leads to.

    Raises:
        NotFoundError: if it is none.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise NotFoundError(f"{path} cannot be reached ({error}).") from error
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise NotFoundError(f"{path} is {what}, and should be a file. It was not read.")
    return found.st_size


def content(path):
    """The bytes of a text file, such as an index.

    Raises:
        NotFoundError: as `regular_size`, or if it cannot be opened.
        FormatError: if it is too long.
    """
    check_length(regular_size(path), path)
    try:
        with open(path, "rb") as file:
            # Some regular files, those of /proc, are longer than they say.
            text = file.read(_MOST_TEXT + 1)
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read ({error}).") from error
    check_length(len(text), path)
    return text


def check_length(size, what):
    """Refuses a text that nobody wrote by hand, nor publishing.

    Raises:
        FormatError: if it is too long.
    """
    if size > _MOST_TEXT:
        raise FormatError(
            f"{what} cannot be read: it is longer than {_MOST_TEXT:,} bytes."
        )


def json_dict(path):
    """The dict in a JSON file.

    Raises:
        FormatError: if there is something else in it.
        NotFoundError: as `content`.
    """
    try:
        found = json.loads(content(path))
    # RecursionError: a thousand brackets, one in the other.
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise FormatError(
            f"{path} cannot be read: it should hold a dict. Received: a "
            f"{type(found).__name__}"
        )
    return found

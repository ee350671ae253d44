"""Publishes files that look like an encoder's, in a process without Keras.

python publisher.py ZOO '{"names": [...], "text": ..., "overwrite": ..., "die": ...}'

Prints a line for each name: done, or the error. With `die` n, it kills itself before
the n-th time that something is moved, or removed. With `file`, the names are those of
encoders that get this file.
"""

import json
import os
import shutil
import signal
import sys
import time
import types
from pathlib import Path

ROOT = Path(__file__).parents[2] / "tfssl"
for name, folder in (("tfssl", ROOT), ("tfssl.zoo", ROOT / "zoo")):
    # The package without what its __init__ imports.
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package

from tfssl.zoo.errors import ZooError  # noqa: E402
from tfssl.zoo.fetch import read_index  # noqa: E402
from tfssl.zoo.shelf import add_file, new_encoder  # noqa: E402


def die_at(count):
    """Kills this process at the count-th move; nothing is cleaned up."""
    moves = 0

    def counted(function):
        def call(*args, **kwargs):
            nonlocal moves
            moves += 1
            if moves == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    os.replace, shutil.rmtree = counted(os.replace), counted(shutil.rmtree)


def add(zoo, name, text, overwrite, file):
    zoo = Path(zoo)
    if file:
        encoder = read_index(zoo)[name]["files"]["encoder.keras"]
        add_file(zoo, name, file, f"{text} {file}", encoder)
        return
    with new_encoder(zoo, name, {"text": text}, overwrite) as new:
        for file in ("encoder.keras", "metadata.json", "README.md"):
            (new / file).write_text(f"{text} {file}")


def main(zoo, names, text="", overwrite=False, file=None, die=None, go=None):
    if die:
        die_at(die)
    while go and not os.path.exists(go):
        time.sleep(0.001)
    for name in names:
        try:
            add(zoo, name, text, overwrite, file)
            print("done")
        except ZooError as error:
            print(error)


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))

import subprocess
import sys

import pytest

from tfssl.data import load


@pytest.mark.parametrize(
    "name", ["cifar10", "digits:3", "tfds:", "folder:", "http://x"]
)
def test_an_unknown_name_lists_the_sources(name):
    with pytest.raises(ValueError, match="Known: 'digits', 'tfds:NAME'.*npz:FILE"):
        load(name)


def test_image_size_is_positive():
    with pytest.raises(ValueError, match="at least 1. Received: image_size=0"):
        load("digits", image_size=0)


def test_loading_does_not_import_tensorflow():
    program = (
        "import os, sys; os.environ['KERAS_BACKEND'] = 'jax'\n"
        "sys.modules['tensorflow'] = sys.modules['tensorflow_datasets'] = None\n"
        "from tfssl.data import load; print(load('digits'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert b"1297 images" in done.stdout, done.stderr.decode()

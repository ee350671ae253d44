"""What JAX compiled is found by the next program."""

import os
import subprocess
import sys

import keras
import pytest

from tfssl import runs
from tfssl.runs import compiled

# Counts what the folder had, and what it had not.
PROGRAM = """
import collections, sys
import jax
import tfssl

said = collections.Counter()
jax.monitoring.register_event_listener(lambda name, **_: said.update([name]))
tfssl.runs.keep_compiled()
jax.jit(lambda x: x @ x + 1)(jax.numpy.ones((3, 3)))
print(*(said[f"/jax/compilation_cache/cache_{kind}"] for kind in ("hits", "misses")))
"""


def counted(home, **environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "KERAS_HOME": str(home),
            "JAX_ENABLE_COMPILATION_CACHE": "true",
            **environment,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return list(map(int, done.stdout.split()))


@pytest.mark.slow
def test_jax_finds_what_it_compiled(tmp_path):
    hits, misses = counted(tmp_path)
    assert hits == 0 and misses > 0
    (folder,) = (tmp_path / "tfssl" / "compiled").iterdir()
    assert len(list(folder.iterdir())) == misses
    assert counted(tmp_path) == [misses, 0]
    # Told of another folder, or to keep nothing.
    assert counted(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own"))[0] == 0
    assert counted(tmp_path, JAX_ENABLE_COMPILATION_CACHE="false") == [0, 0]
    # A damaged file is passed over.
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert counted(tmp_path)[0] == 0


@pytest.mark.slow
def test_a_home_that_cannot_be_written_is_left_alone(tmp_path):
    (tmp_path / "home").write_text("a file")
    assert counted(tmp_path / "home") == [0, 0]


def test_tensorflow_keeps_nothing(tmp_path):
    assert keras.backend.backend() == "tensorflow"
    runs.keep_compiled(tmp_path / "compiled")
    assert not (tmp_path / "compiled").exists()


def test_the_oldest_files_are_removed(tmp_path):
    for age, name in enumerate("cab"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    compiled._remove_oldest(tmp_path, 30)
    assert len(list(tmp_path.iterdir())) == 3
    compiled._remove_oldest(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
    compiled._remove_oldest(tmp_path, 0)
    assert not list(tmp_path.iterdir())

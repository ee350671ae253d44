"""Runs the scripts as a user does, and programs of the tests in their own process."""

import contextlib
import importlib
import os
import subprocess
import sys
from pathlib import Path

from absl import flags
from absl.testing import flagsaver

ROOT = Path(__file__).parents[2]


def environment(**extra):
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Compiling takes most of a small run on JAX.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        **extra,
    }


def command(script, *flags):
    return [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, flags)]


def run(script, *flags, fails=False, **extra):
    """Output of a script; its error output if it should fail."""
    done = subprocess.run(
        command(script, *flags),
        capture_output=True,
        text=True,
        env=environment(**extra),
    )
    assert (done.returncode != 0) == fails, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stderr if fails else done.stdout


@contextlib.contextmanager
def imported(script, *arguments):
    """A script as a module with these flags, in this process: no start-up to wait for.

    Its flags are gone afterwards, so that another script can define its own.
    """
    before = flagsaver.save_flag_values()
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        module = importlib.import_module(script)
        flags.FLAGS([script, *map(str, arguments)])
        yield module
    finally:
        sys.path.remove(str(ROOT / "scripts"))
        for name in (script, "common", "recipe_flags"):
            sys.modules.pop(name, None)
        flagsaver.restore_flag_values(before)


def run_test_program(path, *arguments, **extra):
    """Output of a program of the tests, which imports from tests/methods."""
    paths = (ROOT, ROOT / "tests" / "methods")
    done = subprocess.run(
        [sys.executable, str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=":".join(map(str, paths)), **extra),
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


# The smallest run of pretrain.py.
SMALL = ("--encoder_width=4", "--batch_size=128", "--knn_every=0", "--noreport")


def write_npz(path, n=256, seed=0, size=16):
    """Pictures of two kinds, for machines without any data set."""
    import numpy as np

    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    grid = random.integers(0, 256, (n, 4, 4, 3)) // 2 + 120 * y[:, None, None, None]
    x = np.kron(grid, np.ones((1, size // 4, size // 4, 1))).astype("uint8")
    half = n * 3 // 4
    np.savez(path, x_train=x[:half], y_train=y[:half], x_test=x[half:], y_test=y[half:])

"""Runs the scripts as a user does, and programs of the tests in their own process."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

from absl import flags
from absl.testing import flagsaver

ROOT = Path(__file__).parents[2]
# Seconds that a program may take: several times as many as any does.
LONGEST = 900


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


def start(script, *flags, fails=False, **extra):
    """As `run`, in a process of its own, which takes ten seconds to start."""
    done = subprocess.run(
        command(script, *flags),
        capture_output=True,
        text=True,
        env=environment(**extra),
        timeout=LONGEST,
    )
    assert (done.returncode != 0) == fails, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stderr if fails else done.stdout


def run(script, *arguments, fails=False):
    """Output of a script, run in this process; its error output if it should fail."""
    out, error = io.StringIO(), io.StringIO()
    argv = [script, *map(str, arguments)]
    with (
        _module(script) as module,
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
    ):
        files = {"files": True} if script in WITH_FILES else {}
        try:
            module.running.run(module.main, **files)
        except SystemExit as end:
            code = end.code or 0
    printed = out.getvalue()[-2000:] + error.getvalue()[-4000:]
    assert (code != 0) == fails, printed
    return error.getvalue() if fails else out.getvalue()


@contextlib.contextmanager
def imported(script, *arguments, folder="scripts"):
    """A script as a module with these flags, in this process."""
    with _module(script, folder) as module:
        flags.FLAGS([script, *map(str, arguments)])
        yield module


# Those that take arguments without a flag.
WITH_FILES = ("predict", "compare")


@contextlib.contextmanager
def _module(script, folder="scripts"):
    """A script, imported afresh; its flags are gone afterwards.

    Another script can then define its own.
    """
    before = flagsaver.save_flag_values()
    folders = [str(ROOT / "scripts"), str(ROOT / folder)]
    path = list(sys.path)
    sys.path[:0] = folders[::-1]
    try:
        yield importlib.import_module(script)
    finally:
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            if os.path.dirname(getattr(module, "__file__", None) or "") in folders:
                sys.modules.pop(name)
        flagsaver.restore_flag_values(before)


def run_test_program(path, *arguments, **extra):
    """Output of a program of the tests, which imports from tests/methods."""
    return run_workers(path, *arguments, workers=[extra])[0]


def run_workers(path, *arguments, workers=None):
    """Outputs of such a program in several processes.

    Args:
        path, *arguments: the program, and what it gets.
        workers: list of dicts, what each has in its environment. Defaults to
            `two_workers()`.
    """
    extra = two_workers() if workers is None else workers
    paths = ":".join(map(str, (ROOT, ROOT / "tests" / "methods")))
    environments = [environment(PYTHONPATH=paths, **each) for each in extra]
    line = [sys.executable, str(path), *map(str, arguments)]
    with started(line, *environments) as programs:
        said = [program.communicate(timeout=LONGEST) for program in programs]
    for program, (_, error) in zip(programs, said, strict=True):
        assert program.returncode == 0, error[-4000:]
    return [out for out, _ in said]


@contextlib.contextmanager
def started(program, *environments, **pipes):
    """A process of a command for each environment; none of them outlives the block.

    Args:
        program: list of strings, the command.
        *environments: dicts.
        **pipes: of `subprocess.Popen`. By default what they say can be read.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}
    with contextlib.ExitStack() as stack:
        programs = []
        for env in environments:
            process = subprocess.Popen(program, text=True, env=env, **pipes)
            programs.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield programs


def wait_until(holds, *programs):
    """Waits until a function is true, or one of these processes has ended."""
    last = time.monotonic() + LONGEST
    while not holds() and all(program.poll() is None for program in programs):
        assert time.monotonic() < last, f"nothing has come of {programs}"
        time.sleep(0.001)


def reached(workdir, checkpoint):
    """Whether a run has a checkpoint, such as epoch-000002-step-000000000, or later."""
    notes = (workdir / "checkpoints").glob("epoch-*.json")
    return any(note.stem >= checkpoint for note in notes)


def two_workers():
    """What tells two processes of this machine that they are workers of one run."""
    with _module("cluster", "benchmarks") as module:
        return module.workers(2)


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

"""A program once for each of several seeds, in processes of their own."""

import os
import signal
import subprocess
import sys


def run_each(program, seeds, workdir):
    """Runs the present command for each seed, in WORKDIR/seed-N.

    Args:
        program: string, path of the script.
        seeds: list of strings.
        workdir: string, the folder of the runs.

    Raises:
        RuntimeError: at the first run that fails. SIGTERM goes on to the run, and ends
            this program with its exit code.
    """
    for seed in seeds:
        print(f"Seed {seed}", flush=True)
        folder = os.path.join(workdir, f"seed-{seed}")
        own = (f"--workdir={folder}", f"--seed={seed}", "--seeds=")
        code, terminated = _passing_on([sys.executable, program, *sys.argv[1:], *own])
        if terminated:
            sys.exit(code)
        if code:
            raise RuntimeError(f"The run of seed {seed} failed; see above.")


def _passing_on(command):
    """The exit code of a command that gets SIGTERM too, and whether it has come."""
    program = subprocess.Popen(command)
    came = []

    def pass_on(*_):
        came.append(True)
        program.terminate()

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        return program.wait(), bool(came)
    finally:
        signal.signal(signal.SIGTERM, before)

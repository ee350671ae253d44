"""One program at a time in a folder, and none that has ended."""

import subprocess
import sys

import pytest

from tfssl.runs import alone

# Of the standard library alone, so that it starts at once.
HOLDER = """
import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_program_is_refused_until_the_first_ends(tmp_path):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout.readline() == "held\n"
        message = f"Another program is at work in {tmp_path}. Wait for its end, or"
        for _ in range(2):
            with pytest.raises(RuntimeError, match=message):
                with alone(tmp_path):
                    raise AssertionError("not alone")
    finally:
        # As a crash, which leaves nothing that blocks the next one.
        first.kill()
        first.wait()
    with alone(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_it_ends_with_its_block(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), alone(tmp_path):
            with pytest.raises(RuntimeError, match="at work"), alone(tmp_path):
                pass
            1 / 0  # noqa: B018

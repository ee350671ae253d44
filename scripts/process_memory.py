"""The memory of a process. It imports nothing else, for programs of any environment."""

import resource
import sys
from pathlib import Path


def peak():
    """The most memory that this process has had since it was started, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # `ru_maxrss` begins with that of the program that started this one.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, else KiB.
    return highest / (2**20 if sys.platform == "darwin" else 2**10)

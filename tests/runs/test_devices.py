"""What `set_up` does to a process, and which devices share a run."""

import os
import platform
import subprocess
import sys
import types

import keras
import pytest

from tfssl.runs.devices import device_names, is_chief, set_up, strategy

# Page faults of ten blocks of 64 MB that are written to and given back.
FAULTS = """
import resource, sys
import numpy as np
from tfssl.runs.devices import keep_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "keep":
    keep_memory()
np.ones(2**24, "float32")
before = faults()
for _ in range(10):
    np.ones(2**24, "float32")
print(faults() - before)
"""


def test_devices_of_one_kind_are_counted(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    gpu, cpu = (
        types.SimpleNamespace(platform=p, device_kind=kind)
        for p, kind in (("gpu", "NVIDIA H200"), ("cpu", "cpu"))
    )
    for found, said in (
        ([cpu], f"{len(os.sched_getaffinity(0))} CPU cores"),
        ([gpu], "NVIDIA H200"),
        ([gpu, gpu, cpu], "2 x NVIDIA H200"),
    ):
        fake = types.SimpleNamespace(devices=lambda found=found: found)
        monkeypatch.setitem(sys.modules, "jax", fake)
        assert device_names() == said


def test_deterministic_is_asked_of_xla_too(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/nowhere")
    for _ in range(2):
        set_up("float32", deterministic=True)
        asked = "--xla_dump_to=/nowhere --xla_gpu_deterministic_ops=true"
        assert os.environ["XLA_FLAGS"] == asked


@pytest.mark.parametrize(
    "backend, name",
    [("jax", "multi_worker"), ("torch", "mirrored"), ("torch", "multi_worker")],
)
def test_a_backend_refuses_what_it_does_not_share_out(monkeypatch, backend, name):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    with pytest.raises(ValueError, match=f"needs .* Received: KERAS_BACKEND={backend}"):
        strategy(name)


@pytest.mark.matrix
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is of glibc")
def test_memory_is_kept_and_not_cleared_anew():
    counts = []
    for how in ("keep", "leave"):
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, how],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        counts.append(int(done.stdout.split()[-1]))
    kept, left = counts
    # A block is one page at least, even where pages are large.
    assert left >= 10 and kept < left / 4


@pytest.mark.parametrize(
    "jobs, kind, number, chief",
    [
        (["worker"], "worker", 0, True),
        (["worker"], "worker", 1, False),
        (["chief", "worker"], "chief", 0, True),
        (["chief", "worker"], "worker", 0, False),
    ],
)
def test_one_of_the_workers_is_chief(jobs, kind, number, chief):
    cluster = types.SimpleNamespace(jobs=jobs)
    resolver = types.SimpleNamespace(
        task_type=kind, task_id=number, cluster_spec=lambda: cluster
    )
    assert is_chief(types.SimpleNamespace(cluster_resolver=resolver)) == chief
    assert is_chief(types.SimpleNamespace(cluster_resolver=None)) and is_chief(None)

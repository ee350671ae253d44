import os
import sys
import zlib
from pathlib import Path

import pytest

for folder in ("methods", "scripts", "encoders"):
    sys.path.insert(0, str(Path(__file__).parent / folder))


# Programs leave nothing in the home of who runs the tests.
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"


def pytest_addoption(parser):
    parser.addoption(
        "--part",
        help="I/N: the I-th of N parts of the tests, counted from 0",
    )


def pytest_collection_modifyitems(config, items):
    part = config.getoption("--part")
    if part is None:
        return
    chosen, parts = map(int, part.split("/"))
    kept, others = [], []
    for item in items:
        own = zlib.crc32(item.nodeid.encode()) % parts
        (kept if own == chosen else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept


@pytest.fixture(autouse=True)
def float32():
    """Each test starts with the default precision."""
    import keras

    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True)
def seeded():
    """Each test starts from the same weights, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def quick_start(monkeypatch):
    """Views are not compiled by XLA, which takes longer than a small run."""
    import tfssl

    monkeypatch.setattr(tfssl.training.Trainer, "xla_views", False, raising=False)


@pytest.fixture
def eager(request):
    """Steps are not traced by TensorFlow, which takes longer than a few small ones.

    Tests marked `graph` are of what is traced.
    """
    import keras

    graph = request.node.get_closest_marker("graph")
    if graph or keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)

import sys
from pathlib import Path

import pytest

for folder in ("methods", "scripts", "encoders"):
    sys.path.insert(0, str(Path(__file__).parent / folder))


@pytest.fixture(autouse=True)
def float32():
    """Each test starts with the default precision."""
    import keras

    keras.config.set_dtype_policy("float32")


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

"""On a backend without a training step encoders load and are measured all the same."""

import importlib.util
from pathlib import Path

import keras
import pytest
from programs import run_test_program

from tfssl.training import other

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is missing")
def test_torch_measures_and_does_not_train():
    assert "fine" in run_test_program(HERE / "on_torch.py", KERAS_BACKEND="torch")


def test_training_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")

    class SimCLR(other.Step, keras.Model):
        pass

    with pytest.raises(ValueError, match="TensorFlow and JAX backends") as error:
        SimCLR(None)
    assert str(error.value).endswith("Received: SimCLR with KERAS_BACKEND=torch")
    assert "before keras is imported" in str(error.value)

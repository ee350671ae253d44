"""Models that run without Keras."""

import sys

import numpy as np
import pytest
from cases import encoder, images
from programs import run


@pytest.fixture
def saved(tmp_path):
    model = encoder()
    model.save(tmp_path / "encoder.keras")
    return model, f"--model={tmp_path / 'encoder.keras'}"


def test_a_saved_model_says_what_the_encoder_says(tmp_path, saved):
    tf = pytest.importorskip("tensorflow")
    model, flag = saved
    output = tmp_path / "exported"
    assert "says what the model says" in run("export", flag, f"--output={output}")
    x = images(5).astype("float32")
    loaded = tf.saved_model.load(str(output))
    found = loaded.serve(x).numpy()
    np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    assert "exists already" in run("export", flag, f"--output={output}", fails=True)


def test_what_is_not_installed_is_named(tmp_path, saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    output = tmp_path / "encoder.onnx"
    _, flag = saved
    error = run("export", flag, "--format=onnx", f"--output={output}", fails=True)
    assert "pip install" in error and "tf2onnx" in error
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.keras"]


def test_a_model_that_comes_out_different_is_not_written(tmp_path, saved, monkeypatch):
    pytest.importorskip("tensorflow")
    import keras

    _, flag = saved
    monkeypatch.setattr(keras.Model, "predict", lambda *args, **kwargs: np.ones(128))
    error = run("export", flag, f"--output={tmp_path / 'out'}", fails=True)
    assert "Nothing was written" in error
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.keras"]

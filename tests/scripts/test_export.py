"""The program that takes models out of tfssl."""

import json

import keras
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
    if keras.backend.backend() != "tensorflow":
        pytest.skip("it is written on the TensorFlow backend")
    import tensorflow as tf

    model, flag = saved
    output = tmp_path / "exported"
    assert "says what the model says" in run("export", flag, f"--output={output}")
    x = images(5).astype("float32")
    serve = tf.saved_model.load(str(output)).signatures["serving_default"]
    (found,) = serve(tf.constant(x)).values()
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    about = json.loads((tmp_path / "exported.json").read_text())
    assert about["format"] == "saved_model" and about["class_names"] is None
    assert "exists already" in run("export", flag, f"--output={output}", fails=True)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--format=keras"], "a name in .keras"),
        (["--format=saved_model", "--quantize=int8"], "Only the format litert"),
        (["--dataset=digits"], "--dataset is for --quantize=int8"),
        (["--format=tf"], "one of"),
    ],
)
def test_mistakes_are_told(tmp_path, flags, message):
    output = f"--output={tmp_path / 'out'}"
    error = run("export", "--model=nothing.keras", output, *flags, fails=True)
    assert message in error
    assert not list(tmp_path.iterdir())


@pytest.mark.matrix
def test_eight_bits_of_a_data_set(tmp_path, saved):
    pytest.importorskip("ai_edge_litert", reason="pip install '.[export]' has it")
    output = tmp_path / "encoder.tflite"
    flags = ("--quantize=int8", "--dataset=digits", f"--output={output}")
    out = run("export", saved[1], *flags)
    assert "quantized; cosine with what the model says: 0.9" in out
    assert json.loads((tmp_path / "encoder.tflite.json").read_text())["quantize"]

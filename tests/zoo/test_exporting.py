"""Files that run elsewhere give what the model gives, or are not written."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from cases import encoder

import tfssl
from tfssl.zoo import exporting, formats, trial


def vit():
    return tfssl.encoders.vit(16, width=8, depth=1, heads=2)


def classifier(network=None):
    network = tfssl.transfer.classifier(network or encoder(), num_classes=2)
    weights = [np.random.default_rng(0).normal(size=w.shape) for w in network.weights]
    network.set_weights([*network.get_weights()[:-2], *weights[-2:]])
    return tfssl.transfer.ImageClassifier(network, ["cat", "dog"])


def photos(n=4, size=16):
    return trial.pictures(n, size, size, seed=3)


def outputs(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


def close(found, expected):
    largest = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * largest)


@pytest.fixture
def tensorflow():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("these formats are written on the TensorFlow backend")


def takes(*modules):
    missing = [x for x in modules if importlib.util.find_spec(x) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"pip install '.[export]' has {', '.join(missing)}"
    )


ONNX = takes("onnx", "onnxruntime", "tf2onnx")
LITERT = takes("ai_edge_litert")


@pytest.mark.parametrize(
    "name, format, quantize, message",
    [
        ("a.keras", "coreml", None, "one of keras, saved_model, onnx, litert"),
        ("a.tflite", "onnx", None, "a name in .onnx. Received: .*a.tflite"),
        ("a", "keras", None, "a name in .keras"),
        ("a.tflite", None, "int4", "one of int8, dynamic, or None. Received: 'int4'"),
        ("a.onnx", None, "int8", "Only the format litert is quantized"),
        ("taken.keras", None, None, "taken.keras exists already"),
        ("told", None, None, "told.json exists already"),
        ("no/a.keras", None, None, "There is no folder"),
    ],
)
def test_refused_before_work(tmp_path, name, format, quantize, message):
    for taken in ("taken.keras", "told.json"):
        (tmp_path / taken).touch()
    with pytest.raises(ValueError, match=message):
        exporting.check_export(tmp_path / name, format, quantize)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match="pip install .*onnxruntime"):
        exporting.check_export(tmp_path / "a.onnx")
    with pytest.raises(ValueError, match="pip install ai-edge-litert"):
        exporting.check_export(tmp_path / "a.tflite")


def test_the_ending_says_the_format(tmp_path, monkeypatch, tensorflow):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: name)
    for name, format in (
        ("a.keras", "keras"),
        ("a.onnx", "onnx"),
        ("a.tflite", "litert"),
        ("a.v1", "saved_model"),
    ):
        assert exporting.check_export(tmp_path / name) == format


def test_a_keras_file(tmp_path):
    model, path = classifier(vit()), tmp_path / "classifier.keras"
    about = tfssl.zoo.export(model, path)
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        path.name,
        path.name + ".json",
    ]
    assert about == json.loads((tmp_path / "classifier.keras.json").read_text())
    assert about["class_names"] == ["cat", "dog"]
    assert about["input"] == {
        "shape": [None, 16, 16, 3],
        "dtype": "float32",
        "range": [0, 255],
    }
    assert about["output"]["shape"] == [None, 2]
    assert about["largest_difference"] < 1e-4
    x = photos()
    found = outputs(keras.saving.load_model(path), x)
    close(found, outputs(model, x))
    assert np.ptp(found[:, 0]) > 1e-3


def test_what_comes_out_different_is_not_written(tmp_path, monkeypatch):
    def run(path):
        return lambda images: np.ones((len(images), 128))

    other = formats.Format(".keras", "Keras", {}, formats._write_keras, run)
    monkeypatch.setitem(exporting.FORMATS, "keras", other)
    with pytest.raises(RuntimeError, match="Nothing was written"):
        tfssl.zoo.export(encoder(), tmp_path / "a.keras")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def write(model, path):
        os.mkdir(path)
        raise LookupError("no such operation")

    broken = formats.Format("", "TensorFlow", {}, write, None)
    monkeypatch.setitem(exporting.FORMATS, "keras", broken)
    with pytest.raises(RuntimeError, match="LookupError: no such operation"):
        tfssl.zoo.export(encoder(), tmp_path / "a", "keras")
    assert not list(tmp_path.iterdir())


# Importing tfssl is impossible, and nothing of it may have been needed.
ALONE = """
import sys
sys.modules["tfssl"] = None
import keras, numpy as np
for name in sys.argv[2:]:
    x = np.load(f"{sys.argv[1]}/{name}-images.npy")
    model = keras.saving.load_model(f"{sys.argv[1]}/{name}.keras")
    y = keras.ops.convert_to_numpy(model(x, training=False))
    np.save(f"{sys.argv[1]}/{name}-found.npy", y)
"""


@pytest.mark.matrix
def test_keras_files_load_where_tfssl_cannot_be_imported(tmp_path):
    halves = (tfssl.encoders.dim_cnn(16, 4, 8, channels=c) for c in (1, 2))
    models = {
        "resnet": tfssl.encoders.resnet10(16, stem="small", width=4),
        "vit": vit(),
        "classifier": classifier(vit()),
        "patches": tfssl.encoders.patch_grid(
            tfssl.encoders.resnet10(8, stem="small", width=4, norm="layer"), 16
        ),
        "colours": tfssl.encoders.split_pair(*halves, 16),
    }
    for name, model in models.items():
        np.save(tmp_path / f"{name}-images.npy", photos())
        tfssl.zoo.export(model, tmp_path / f"{name}.keras")
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path), *models],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    for name, model in models.items():
        found = np.load(tmp_path / f"{name}-found.npy")
        close(found, outputs(model, photos()))


@pytest.mark.matrix
@pytest.mark.parametrize("make", [encoder, vit, classifier])
@pytest.mark.parametrize(
    "format",
    [
        "saved_model",
        pytest.param("onnx", marks=ONNX),
        pytest.param("litert", marks=LITERT),
    ],
)
def test_each_format_in_its_runtime(tmp_path, tensorflow, make, format):
    model = make()
    path = tmp_path / f"model{formats.FORMATS[format].ending}"
    about = tfssl.zoo.export(model, path, format)
    run = formats.FORMATS[format].run(str(path))
    assert about["largest_difference"] < 1e-4
    for count in (1, 5):
        found = run(photos(count))
        assert found.dtype == np.float32
        close(found, outputs(model, photos(count)))


@pytest.mark.matrix
@LITERT
def test_eight_bits(tmp_path, tensorflow):
    model = encoder()
    sizes = {}
    for quantize in ("dynamic", "int8"):
        path = tmp_path / f"{quantize}.tflite"
        options = {"calibration": photos(50)} if quantize == "int8" else {}
        about = tfssl.zoo.export(model, path, quantize=quantize, **options)
        assert 0.95 < about["mean_cosine"] <= 1
        found = formats.FORMATS["litert"].run(str(path))(photos())
        expected = outputs(model, photos())
        assert 0 < np.abs(found - expected).max() < 0.2 * np.abs(expected).max()
        sizes[quantize] = path.stat().st_size
    plain = tmp_path / "plain.tflite"
    tfssl.zoo.export(model, plain)
    assert max(sizes.values()) < plain.stat().st_size / 2


@pytest.mark.matrix
@pytest.mark.parametrize("format", ["saved_model", pytest.param("onnx", marks=ONNX)])
def test_images_of_any_size(tmp_path, tensorflow, format):
    model = tfssl.encoders.resnet10(None, width=4)
    path = tmp_path / f"model{formats.FORMATS[format].ending}"
    about = tfssl.zoo.export(model, path, format)
    assert about["input"]["shape"] == [None, None, None, 3]
    x = photos(2, 48)
    found = formats.FORMATS[format].run(str(path))(x)
    close(found, outputs(model, x))


@pytest.mark.matrix
@ONNX
@LITERT
def test_the_code_of_the_page_runs(tmp_path, tensorflow, monkeypatch):
    page = pathlib.Path(__file__).parents[2] / "docs" / "export.md"
    (code,) = page.read_text().split("```python\n")[1:]
    model = classifier(tfssl.encoders.resnet10(32, stem="small", width=4))
    monkeypatch.chdir(tmp_path)
    for name in ("encoder.keras", "served", "encoder.onnx", "encoder.tflite"):
        tfssl.zoo.export(model, name)
    found = {}
    for part in code.partition("```")[0].split("\n\n"):
        exec(part, found)
        if "features" in found:
            features = np.array(found.pop("features"))
            close(features, outputs(model, found["images"]))
    assert found["names"] == ["cat", "dog"]


def test_litert_takes_one_size(tmp_path, monkeypatch, tensorflow):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: name)
    model = tfssl.encoders.resnet10(None, stem="small", width=4)
    with pytest.raises(ValueError, match="at_size"):
        tfssl.zoo.export(model, tmp_path / "a.tflite")


def test_one_of_two_outputs_is_not_guessed(tmp_path):
    image = keras.Input((16, 16, 3))
    two = keras.Model(image, {"a": image, "b": image})
    with pytest.raises(ValueError, match="encoder must be"):
        tfssl.zoo.export(two, tmp_path / "a.keras")


def test_calibration_images_are_brought_to_the_size():
    fitted = exporting._fitted(np.zeros((3, 20, 30, 3), "uint8"), (16, 16))
    assert fitted.shape == (3, 16, 16, 3) and fitted.dtype == np.float32
    with pytest.raises(ValueError, match=r"\[0, 255\]"):
        exporting._fitted(np.full((3, 20, 30, 3), 0.5), (16, 16))
    drawn = exporting._fitted(None, (16, 16))
    assert drawn.shape == (exporting.CALIBRATION_IMAGES, 16, 16, 3)
    assert drawn.min() >= 0 and drawn.max() <= 255 and drawn.std() > 30


def test_the_distance_of_two_arrays():
    a = np.array([[3.0, 4.0], [0.0, 2.0]])
    b = np.array([[3.0, 4.0], [2.0, 0.0]])
    assert trial.largest_difference(a, b) == 0.5
    assert trial.mean_cosine(a, b) == 0.5
    assert trial.largest_difference(0 * a, 0 * a) == 0

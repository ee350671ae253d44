"""A checkpoint of one's own becomes an encoder's file."""

import sys
from pathlib import Path

import keras
import numpy as np
from programs import run

from tfssl.zoo import SCHEMES

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "references"), str(TESTS / "zoo")]
from checkpoint_weights import weights  # noqa: E402
from checkpoint_writer import Global, write_zip  # noqa: E402


def test_a_checkpoint_becomes_an_encoder(tmp_path):
    state = weights((1, 1, 1, 1), False, 4)
    content = {
        "model": {f"student.{name}": array for name, array in state.items()},
        "args": Global("argparse.Namespace", (), {"lr": 0.1}),
    }
    write_zip(tmp_path / "a.pth", content)
    output = tmp_path / "encoder.keras"
    flags = (f"--from={tmp_path / 'a.pth'}", f"--output={output}", "--image_size=32")
    scheme = ("--scheme=torchvision", "--at=model", "--prefix=student.")
    error = run("convert", *flags, *scheme, fails=True)
    assert "names argparse.Namespace" in error and "Traceback" not in error
    out = run("convert", *flags, *scheme, "--inert=argparse.Namespace")
    assert "resnet10w4, 32 x 32 pixels to 32 features" in out
    encoder = keras.saving.load_model(output)
    kernel = encoder.get_layer("stem_conv").kernel
    np.testing.assert_array_equal(kernel, state["conv1.weight"].transpose(2, 3, 1, 0))
    assert "exists already" in run("convert", *flags, *scheme, fails=True)


def test_mistakes_are_told(tmp_path):
    write_zip(tmp_path / "a.pth", weights((1, 1, 1, 1), False, 4))
    source = f"--from={tmp_path / 'a.pth'}"
    output = f"--output={tmp_path / 'a.keras'}"
    assert "Set --output" in run("convert", source, "--scheme=moco", fails=True)
    assert "Set --from" in run("convert", output, "--scheme=moco", fails=True)
    error = run("convert", source, "--scheme=mocko", output, fails=True)
    assert "Did you mean moco?" in error
    error = run("convert", source, "--scheme=moco", output, fails=True)
    assert "nothing under 'state_dict'" in error
    error = run("convert", "--from=none.pth", "--scheme=moco", output, fails=True)
    assert "none.pth" in error
    error = run(
        "convert", source, "--scheme=moco", f"--output={tmp_path / 'a.h5'}", fails=True
    )
    assert "must end in .keras" in error
    assert [each.name for each in tmp_path.iterdir()] == ["a.pth"]


def test_the_schemes_are_listed(tmp_path):
    out = run("convert", "--scheme=?")
    assert [line.split()[0] for line in out.splitlines()] == list(SCHEMES)

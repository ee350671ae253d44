"""From a wheel, in an empty folder: photos in, classifier out, a command a step."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tfssl_command(tmp_path):
    """The console command as the wheel installs it, far from the checkout."""
    source, installed = tmp_path / "source", tmp_path / "installed"
    for part in ("tfssl", "scripts", "zoo"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, source / part, ignore=ignore)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
    subprocess.run([*install, installed, source], check=True)
    here = tmp_path / "here"
    here.mkdir()

    def run(*arguments):
        done = subprocess.run(
            [installed / "bin" / "tfssl", *arguments],
            capture_output=True,
            text=True,
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(installed)},
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        # Nothing of what the libraries say when they start.
        assert "0000" not in done.stderr and "WARNING" not in done.stderr
        return done.stdout

    run.here = here
    return run


def make_photos(folder, count=60):
    """Stripes across and stripes down, of many sizes and colours."""
    random = np.random.default_rng(0)
    for i in range(count):
        kind = ("across", "down")[i % 2]
        stripes = np.repeat(random.integers(0, 256, (6, 1, 3)), 6, axis=1)
        if kind == "down":
            stripes = stripes.swapaxes(0, 1)
        (folder / kind).mkdir(parents=True, exist_ok=True)
        size = tuple(map(int, random.integers(60, 120, 2)))
        photo = Image.fromarray(stripes.astype("uint8"))
        photo.resize(size, Image.NEAREST).save(folder / kind / f"{i}.jpg")


@pytest.mark.slow
@pytest.mark.matrix
def test_the_zoo_comes_with_the_wheel(tfssl_command):
    run = tfssl_command
    published = json.loads((ROOT / "zoo" / "index.json").read_text())["encoders"]
    smallest = min(published, key=lambda n: published[n]["summary"]["parameters"])
    out = run("evaluate", f"--encoder=zoo:{smallest}", "--dataset=digits", "--k=20")
    assert "knn" in out
    with pytest.raises(AssertionError, match=smallest):
        run("evaluate", "--encoder=zoo:unknown", "--dataset=digits")


@pytest.mark.slow
@pytest.mark.matrix
def test_photos_in_classifier_out(tfssl_command):
    run = tfssl_command
    make_photos(run.here / "photos")
    data = "--dataset=folder:photos"
    out = run("pretrain", data, "--workdir=run", "--epochs=2")
    assert "photos: resnet18 of width 16 on 64 px" in out and " CPU cores.\n" in out
    assert "Note: An epoch has only 3 steps" in out
    encoder = "--encoder=run/encoder.keras"
    out = run(
        "finetune",
        encoder,
        data,
        "--mode=frozen",
        "--test_fraction=0.2",
        "--save=classifier.keras",
    )
    assert "Accuracy on 12 test images" in out
    out = run("predict", "--model=classifier.keras", "photos/down/*.jpg")
    assert len(out.splitlines()) == 30 and "across" in out
    query = "--query=photos/down/1.jpg"
    out = run("search", encoder, data, "--index=photos.npz", query)
    assert out.splitlines()[-5].endswith("photos/down/1.jpg")
    # The photos have no test split to be measured on.
    assert (
        run("compare", "run").splitlines()[1].split() == "simclr 1 nothing yet".split()
    )

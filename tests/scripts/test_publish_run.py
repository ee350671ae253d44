"""scripts/publish.py, over workdirs as runs leave them."""

import json

import numpy as np
import pytest
from cases import encoder, images
from programs import run

import tfssl
from tfssl import transfer

RUN = {
    "settings": {
        "method": "simclr",
        "dataset": "folder:/home/somebody/photos",
        "epochs": 3,
        "batch_size": 64,
        "seed": 7,
        "temperature": 0.2,
        "init": "/home/somebody/runs/b/encoder.keras",
        "encoder": "/home/somebody/runs/b/encoder.keras",
        "workdir": "/home/somebody/runs/a",
        "data_dir": "/home/somebody/data",
        "labels": "/home/somebody/labels.csv",
    },
    "versions": {"keras": "3.15.0", "tfssl": "0.1"},
    "commit": "0123456789ab-dirty",
    "device": "2 CPU cores",
    "finished": True,
}


def evaluation(encoder):
    """Writes what `evaluate` would have measured of an encoder."""
    transfer.write_results(
        encoder.with_name("evaluation.json"),
        [transfer.Result("knn", 0.5, settings={"k": 20})],
        encoder=str(encoder),
        dataset="folder:/home/somebody/photos",
    )


def publish(workdir, *flags, fails=False):
    flags = (f"--workdir={workdir}", f"--zoo={workdir.parent / 'zoo'}", *flags)
    return run("publish", "--name=mine", *flags, fails=fails)


@pytest.fixture
def workdir(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(RUN))
    return folder


def test_a_run_with_all_of_its_files(workdir):
    model = encoder()
    model.save(workdir / "encoder.keras")
    tfssl.heads.projection_head(128, (8, 4)).save(workdir / "projector.keras")
    evaluation(workdir / "encoder.keras")
    output = publish(workdir, "--data_licence=CC0", "--description=Knows photographs.")
    assert "evaluation.json: knn 0.5000 on folder:photos" in output
    assert "no finetune.json" in output
    assert "changes on top of a commit" in output

    zoo = workdir.parent / "zoo"
    x = images(4)
    # Published are Keras's own layers, which may round in another way.
    np.testing.assert_allclose(
        tfssl.zoo.load("mine", source=zoo).predict(x, verbose=0),
        model.predict(x, verbose=0),
        rtol=1e-5,
        atol=1e-6,
    )
    assert tfssl.zoo.load_projector("mine", source=zoo).output_shape == (None, 4)
    info = tfssl.zoo.info("mine", source=zoo)
    assert (info["method"], info["dataset"]) == ("simclr", "folder:photos")
    assert (info["epochs"], info["batch_size"], info["seed"]) == (3, 64, 7)
    assert info["settings"]["temperature"] == 0.2
    assert info["settings"]["init"] == "encoder.keras"
    assert info["commit"] == RUN["commit"] and info["versions"] == RUN["versions"]
    assert info["metrics"][0]["settings"] == {"dataset": "folder:photos", "k": 20}
    card = (zoo / "mine" / "README.md").read_text()
    assert "| Device | 2 CPU cores |" in card
    for part in ("Knows photographs.", "Weights: Apache-2.0. Data: CC0.", "0.5000"):
        assert part in card
    # Where things are on this machine is nobody's business.
    for path in ("README.md", "metadata.json", "../index.json"):
        assert "somebody" not in (zoo / "mine" / path).read_text()


def test_what_was_measured_of_something_else_is_not_published(workdir):
    other = workdir.parent / "encoder.keras"
    tfssl.encoders.resnet10(16, stem="small", width=4).save(other)
    encoder().save(workdir / "encoder.keras")
    evaluation(other)
    other.with_name("evaluation.json").rename(workdir / "evaluation.json")
    error = publish(workdir, fails=True)
    assert f"evaluation.json says what {other} is worth" in error
    assert not (workdir.parent / "zoo").exists()


def test_what_is_missing_is_said(workdir):
    encoder().save(workdir / "encoder.keras")
    settings = {"method": "simclr", "dataset": "digits"}
    (workdir / "run.json").write_text(
        json.dumps({"settings": settings, "finished": True})
    )
    output = publish(workdir)
    for name in ("epochs", "batch_size", "seed"):
        assert f"does not say {name}" in output
    for name in ("commit", "projector.keras", "evaluation.json", "finetune.json"):
        assert name in output
    assert (
        "was not measured"
        in (workdir.parent / "zoo" / "mine" / "README.md").read_text()
    )
    # The same name again: an error that says what to do.
    output = publish(workdir, fails=True)
    assert "exists already" in output and "Traceback" not in output


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "is this the workdir of a run"),
        ("{", "is not whole"),
        (json.dumps({**RUN, "finished": False}), "no finished run"),
    ],
)
def test_what_is_no_finished_run(workdir, content, message):
    (workdir / "run.json").unlink()
    if content is not None:
        (workdir / "run.json").write_text(content)
    output = publish(workdir, fails=True)
    assert message in output and "Traceback" not in output
    assert not (workdir.parent / "zoo").exists()

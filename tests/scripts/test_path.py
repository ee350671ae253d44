"""The whole path with the scripts, on both backends."""

import functools
import json
import runpy
import subprocess
import sys

import keras
import programs
import pytest
from programs import ROOT, command, environment, run, start, write_npz

import tfssl

DIGITS = "--dataset=digits"
SCRIPTS = runpy.run_path(str(ROOT / "scripts" / "__main__.py"))["PROGRAMS"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.matrix)]
)
def test_pretrain_evaluate_finetune_publish(tmp_path, monkeypatch, backend):
    write_npz(tmp_path / "data.npz")
    data = f"--dataset=npz:{tmp_path / 'data.npz'}"
    work, zoo = tmp_path / "run", tmp_path / "zoo"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    # Keras has one backend in a process.
    run = functools.partial(start, KERAS_BACKEND=backend)
    if backend == keras.backend.backend():
        run = programs.run

    small = ("--encoder_width=4", "--batch_size=64", "--epochs=2")
    out = run("pretrain", data, *small, f"--workdir={work}")
    assert "report.html" in out
    header = (work / "metrics.csv").read_text().splitlines()[0]
    assert "knn_accuracy" in header
    encoder = f"--encoder={work / 'encoder.keras'}"

    output = f"--output={work / 'evaluation.json'}"
    run("evaluate", encoder, data, "--k=20", output)
    evaluation = json.loads((work / "evaluation.json").read_text())
    assert [r["protocol"] for r in evaluation["results"]] == ["knn", "linear"]
    assert evaluation["results"][0]["settings"]["k"] == 20
    assert evaluation["versions"]["backend"] == backend

    output = f"--output={work / 'finetune.json'}"
    few = ("--labels_per_class=4", "--draws=2", "--steps=10", "--mode=frozen,finetuned")
    run("finetune", encoder, data, *few, output)
    finetune = json.loads((work / "finetune.json").read_text())
    assert [r["protocol"] for r in finetune["results"]] == [
        "frozen",
        "finetuned",
        "scratch",
    ]

    run("publish", f"--workdir={work}", "--name=mine", f"--zoo={zoo}")
    again = f"--output={tmp_path / 'again.json'}"
    flags = ("--encoder=zoo:mine", data, "--k=20", "--protocol=knn", again)
    monkeypatch.setenv("TFSSL_ZOO", str(zoo))
    run("evaluate", *flags)
    loaded = json.loads((tmp_path / "again.json").read_text())["results"][0]
    assert loaded["value"] == evaluation["results"][0]["value"]


def test_an_installed_package_loads_from_its_zoo(tmp_path):
    (tmp_path / "tfssl").symlink_to(ROOT / "tfssl")
    (tmp_path / "tfssl_zoo").symlink_to(ROOT / "zoo")
    write_npz(tmp_path / "data.npz", size=32)
    output = tmp_path / "evaluation.json"
    start(
        "evaluate",
        "--encoder=zoo:simclr_resnet18w16_cifar10",
        f"--dataset=npz:{tmp_path / 'data.npz'}",
        *("--protocol=knn", "--k=5", f"--output={output}"),
        PYTHONPATH=str(tmp_path),
        TFSSL_ZOO="",
    )
    assert json.loads(output.read_text())["results"][0]["value"] > 0.5


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_reads_without_starting_anything(script):
    done = subprocess.run(
        command(script, "--help"), capture_output=True, text=True, env=environment()
    )
    assert f"    tfssl {script}" in done.stdout and "  --" in done.stdout
    assert "tensorflow" not in done.stderr.lower()


def test_help_names_every_method():
    done = subprocess.run(command("pretrain", "--help"), capture_output=True, text=True)
    text = "".join(done.stdout.split())
    assert f"--method:<{'|'.join(tfssl.methods.METHODS)}>" in text


@pytest.mark.parametrize(
    "script, flags, message",
    [
        ("pretrain", ["--dataset=cats"], "Unknown image set"),
        ("pretrain", [], "Set --dataset."),
        ("pretrain", [DIGITS, "photos"], "Unexpected arguments: photos"),
        ("pretrain", [DIGITS, "--batch=3"], "Did you mean: batch_size"),
        ("pretrain", [DIGITS, "--batch_size=5000"], "more than the 1297"),
        ("pretrain", [DIGITS, "--set=temprature=1"], "temprature"),
        ("pretrain", [DIGITS, "--optimizer=sgd"], "learning_rate"),
        ("pretrain", [DIGITS, "--stream=true"], "digits is not streamed"),
        ("evaluate", [DIGITS, "--encoder=nothing.keras"], "There is no file"),
        ("evaluate", [DIGITS, "--encoder=a", "--protocol=svm"], "some of knn, linear"),
        ("finetune", [DIGITS, "--encoder=a"], "Set one of"),
        ("publish", ["--name=a"], "is this the workdir of a run"),
    ],
)
def test_mistakes_are_told_before_any_work(tmp_path, script, flags, message):
    work = [] if script in ("evaluate", "finetune") else [f"--workdir={tmp_path / 'w'}"]
    error = run(script, *flags, *work, fails=True)
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "w").exists()


def test_one_command_knows_every_program():
    def tfssl_command(*arguments):
        return subprocess.run(
            [sys.executable, ROOT / "scripts", *arguments],
            capture_output=True,
            text=True,
            env=environment(),
        )

    files = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    parts = {"__main__", "budget", "common", "process_memory", "recipe_flags"}
    parts |= {"running", "seeds"}
    assert set(SCRIPTS) == files - parts
    overview = tfssl_command().stdout
    for script in SCRIPTS:
        assert f"  {script} " in overview
    assert "--workdir" in tfssl_command("pretrain", "--help").stdout
    unknown = tfssl_command("pretran")
    assert unknown.returncode == 2 and "Did you mean pretrain?" in unknown.stderr

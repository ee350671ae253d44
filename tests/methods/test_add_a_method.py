"""The page "Add a method" of CONTRIBUTING.md, followed to the letter."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "methods"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the package, the scripts and the contract, with the page's method."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("tfssl", "scripts"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    shutil.copy(TESTS.parent / "conftest.py", folder)
    for name in ("cases.py", "test_contract.py"):
        shutil.copy(TESTS / name, folder)
    page = (ROOT / "CONTRIBUTING.md").read_text()
    section = page.partition("## Add a method")[2].partition("\n## ")[0]
    blocks = re.findall(r"   ```python\n(.*?)   ```", section, re.DOTALL)
    method, line = map(textwrap.dedent, blocks)
    (folder / "tfssl" / "methods" / "alignment.py").write_text(method)
    registry = folder / "tfssl" / "registry.py"
    text = registry.read_text()
    added = text.replace("METHODS = {\n", f"METHODS = {{\n    {line.strip()}\n")
    assert added != text
    registry.write_text(added)
    return folder


def run(checkout, *command):
    """Output of Python in the copy."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=checkout,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def test_it_imports_and_is_named_by_help(checkout):
    code = (
        "import tfssl; print(tfssl.methods.Alignment.__module__); print(tfssl.__file__)"
    )
    module, file = run(checkout, "-c", code).split()
    assert module == "tfssl.methods.alignment" and file.startswith(str(checkout))
    done = subprocess.run(
        [sys.executable, checkout / "scripts" / "pretrain.py", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    assert "<alignment|" in done.stdout


@pytest.mark.matrix
@pytest.mark.slow
def test_the_script_trains_it(checkout):
    small = ("--epochs=1", "--encoder_width=4", "--knn_every=0", "--noreport")
    data = ("--dataset=digits", f"--workdir={checkout / 'run'}", "--precision=float32")
    out = run(checkout, "scripts/pretrain.py", "--method=alignment", *data, *small)
    assert "alignment of dim_cnn" in out
    header = (checkout / "run" / "metrics.csv").read_text().splitlines()[0]
    assert {"alignment", "uniformity"} <= set(header.split(","))


@pytest.mark.slow
@pytest.mark.matrix
def test_the_contract_runs_over_it(checkout):
    """Learning included."""
    options = ("-p", "no:xdist", "-c", os.devnull, "--rootdir", checkout)
    out = run(
        checkout, "-m", "pytest", "-q", "-k", "alignment", *options, "test_contract.py"
    )
    tests = len(
        re.findall(r"^def test_", (TESTS / "test_contract.py").read_text(), re.M)
    )
    passed = int(re.search(r"(\d+) passed", out)[1])
    skipped = re.search(r"(\d+) skipped", out)
    # It has no adversary.
    assert passed >= tests and int(skipped[1] if skipped else 0) == 1

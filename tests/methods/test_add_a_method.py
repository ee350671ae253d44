"""The page "Add a method" of CONTRIBUTING.md, followed to the letter."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.slow
def test_a_method_is_one_file_and_one_line(tmp_path):
    """The contract runs over the example of the page, and it passes."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    section = page.partition("## Add a method")[2].partition("\n## ")[0]
    blocks = re.findall(r"   ```python\n(.*?)   ```", section, re.DOTALL)
    method, line = map(textwrap.dedent, blocks)
    for name in ("cases.py", "test_contract.py"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "alignment.py").write_text(method)
    cases = (tmp_path / "cases.py").read_text()
    added = cases.replace("CASES = {\n", f"CASES = {{\n    {line.strip()}\n")
    assert added != cases
    (tmp_path / "cases.py").write_text("from alignment import Alignment\n" + added)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-k", "alignment"]
        + ["-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
    )
    assert done.returncode == 0, done.stdout[-4000:]
    tests = len(
        re.findall(r"^def test_", (HERE / "test_contract.py").read_text(), re.M)
    )
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= tests

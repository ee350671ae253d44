"""The examples in docstrings and the README run."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import keras
import pytest

import tfssl

ROOT = Path(__file__).parents[1]


def modules():
    other = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    for module in pkgutil.walk_packages(tfssl.__path__, "tfssl."):
        if module.name != f"tfssl.training.{other}":
            yield module.name


@pytest.mark.parametrize("name", list(modules()))
def test_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, globs={"keras": keras}):
        runner.run(test)
    assert runner.failures == 0


def blocks(language):
    """The code blocks of the README in one language."""
    parts = (ROOT / "README.md").read_text().split("```")[1::2]
    return [
        code
        for first, _, code in (part.partition("\n") for part in parts)
        if first == language
    ]


def test_readme_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "my_zoo" / "my_encoder" / "README.md").exists()


def test_readme_commands_name_scripts_and_flags_that_exist():
    commands = "\n".join(blocks("")).replace("\\\n", " ")
    scripts = re.findall(r"python scripts/(\w+)\.py(.*)", commands)
    assert {name for name, _ in scripts} == {
        path.stem
        for path in (ROOT / "scripts").glob("*.py")
        if path.stem not in ("common", "recipe_flags")
    }
    for name, flags in scripts:
        sources = (ROOT / "scripts" / f"{name}.py").read_text()
        for shared in ("common", "recipe_flags"):
            sources += (ROOT / "scripts" / f"{shared}.py").read_text()
        for flag in re.findall(r"--(\w+)", flags):
            assert f'"{flag}"' in sources, f"{name}.py has no --{flag}"

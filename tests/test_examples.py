"""The examples in docstrings and the README run."""

import doctest
import importlib
import pkgutil
import re
import runpy
from pathlib import Path

import keras
import pytest
from PIL import Image

import tfssl

ROOT = Path(__file__).parents[1]


def modules():
    other = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    for module in pkgutil.walk_packages(tfssl.__path__, "tfssl."):
        if module.name != f"tfssl.training.{other}":
            yield module.name


@pytest.mark.parametrize("name", list(modules()))
def test_docstrings(name, tmp_path, monkeypatch, request):
    if name.startswith("tfssl.methods."):
        # Each of them trains a step or two.
        request.getfixturevalue("eager")
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
    make_photos(tmp_path)
    photos, pretrained, models = blocks("python")
    found = {}
    exec(compile(photos, "README.md", "exec"), found)
    assert found["classifier"].class_names == ("dark", "light")
    exec(compile(pretrained, "README.md", "exec"), found)
    assert found["encoder"].output_shape == (None, 512)
    exec(compile(models, "README.md", "exec"), {})
    assert (tmp_path / "my_zoo" / "my_encoder" / "README.md").exists()


def make_photos(folder):
    """What the README speaks of: a run's encoder, labelled photos and a new one."""
    for part in ("runs/photos", "new", "photos/dark", "photos/light"):
        (folder / part).mkdir(parents=True)
    encoder = tfssl.encoders.resnet10(32, stem="small", width=4)
    encoder.save(folder / "runs" / "photos" / "encoder.keras")
    for i in range(8):
        name, colour = (("dark", 10), ("light", 240))[i % 2]
        Image.new("RGB", (40, 30), (colour, i, i)).save(
            folder / "photos" / name / f"{i}.png"
        )
    Image.new("RGB", (40, 30)).save(folder / "new" / "photo.jpg")


def test_readme_commands_name_programs_and_flags_that_exist():
    commands = "\n".join(blocks("")).replace("\\\n", " ")
    programs = re.findall(r"tfssl (\w+)(.*)", commands)
    folder = ROOT / "scripts"
    known = runpy.run_path(str(folder / "__main__.py"))["PROGRAMS"]
    assert {name for name, _ in programs} == set(known)
    for name, flags in programs:
        sources = (folder / f"{name}.py").read_text()
        for shared in ("common", "recipe_flags"):
            sources += (folder / f"{shared}.py").read_text()
        for flag in re.findall(r"--(\w+)", flags):
            assert f'"{flag}"' in sources, f"{name}.py has no --{flag}"

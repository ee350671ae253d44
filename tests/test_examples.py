"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil

import keras
import pytest

import tfssl


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

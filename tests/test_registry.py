import ast
import inspect

import pytest

import tfssl
from tfssl import registry


def test_it_imports_nothing():
    """Programs read it for --help, which shall not wait for Keras."""
    tree = ast.parse(inspect.getsource(registry))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("name", registry.METHODS)
def test_a_method_is_in_its_file_with_its_recipes(name):
    method = tfssl.methods.method_class(name)
    file, _, found = registry.METHODS[name].partition(".")
    assert method.__module__ == f"tfssl.methods.{file}" and method.__name__ == found
    assert getattr(tfssl.methods, found) is method and found in dir(tfssl.methods)
    recipes = inspect.getmodule(method).RECIPES[name]
    assert set(recipes) == {"digits", "cifar", "paper"}


@pytest.mark.parametrize("name", registry.ENCODERS)
def test_an_encoder_is_in_its_file(name):
    make = getattr(tfssl.encoders, name)
    assert make.__module__ == f"tfssl.encoders.{registry.ENCODERS[name]}"
    assert make.__name__ == name


def test_what_tfssl_saved_is_known_after_importing_it():
    """Keras loads what was registered, and that is when a class is imported."""
    import subprocess
    import sys

    code = (
        "import tfssl, keras; "
        "print(keras.saving.get_registered_object('tfssl>SimCLR').__name__, "
        "keras.saving.get_registered_object('tfssl>Distillation').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["SimCLR", "Distillation"], done.stderr[-2000:]

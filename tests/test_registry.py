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
    # Photos take the one for small images unless there is one for them.
    assert set(recipes) - {"photos"} == {"digits", "cifar", "paper"}


@pytest.mark.parametrize("name", registry.ENCODERS)
def test_an_encoder_is_in_its_file(name):
    make = getattr(tfssl.encoders, name)
    assert make.__module__ == f"tfssl.encoders.{registry.ENCODERS[name]}"
    assert make.__name__ == name


@pytest.mark.matrix
def test_what_tfssl_saved_is_known_after_importing_it():
    """Keras loads what was registered, and that is when a class is imported."""
    import subprocess
    import sys

    code = (
        "import tfssl, keras; "
        "print(keras.saving.get_registered_object('tfssl>SimCLR').__name__, "
        "keras.saving.get_registered_object('tfssl>Distillation').__name__, "
        "keras.saving.get_registered_object('tfssl>DropPathBlock').__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["SimCLR", "Distillation", "DropPathBlock"], (
        done.stderr[-2000:]
    )


@pytest.mark.parametrize("package", [tfssl.methods, tfssl.encoders])
def test_editors_know_the_names_that_are_imported_when_used(package):
    assert dir(package) == sorted(package.__all__)
    assert not [name for name in dir(package) if name.startswith("_")]
    tree = ast.parse(inspect.getsource(package))
    known = {
        alias.name: part.module
        for block in tree.body
        if isinstance(block, ast.If)
        for part in block.body
        for alias in part.names
    }
    places = {n: f"{package.__name__}.{file}" for n, file in package._PLACES.items()}
    assert known.items() <= places.items()
    # A new method needs no second line here; editors then learn of it when it is used.
    classes = {place.partition(".")[2] for place in registry.METHODS.values()}
    assert places.keys() - known.keys() <= classes


def test_signatures_are_annotated():
    made = [tfssl.methods.method_class(name).__init__ for name in registry.METHODS]
    zoo = tfssl.zoo
    for made_of in (
        *made,
        zoo.info,
        zoo.load,
        zoo.load_projector,
        zoo.names,
        zoo.publish,
    ):
        parameters = list(inspect.signature(made_of).parameters.values())
        for parameter in parameters[made_of.__name__ == "__init__" :]:
            assert parameter.annotation is not parameter.empty, (made_of, parameter)


def test_a_wheel_says_that_it_is_typed():
    import configparser
    from pathlib import Path

    folder = Path(tfssl.__file__).parent
    setup = configparser.ConfigParser()
    setup.read(folder.parent / "setup.cfg")
    assert setup["options.package_data"]["tfssl"] == "py.typed"
    assert (folder / "py.typed").exists()

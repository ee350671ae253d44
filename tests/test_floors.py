"""A room imports only from floors below it."""

import ast
import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "tfssl"
# From the ground up.
FLOORS = (
    ("checks", "files", "lazy", "locks", "registry", "replicas", "version"),
    ("losses",),
    ("optimizers",),
    ("layers",),
    ("heads",),
    ("views",),
    ("training",),
    ("encoders",),
    ("methods",),
    ("data",),
    ("transfer",),
    ("pages",),
    ("zoo",),
    ("runs",),
)
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def imports(path):
    """Rooms that a file imports from, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for name in node.names:
                head, _, rest = name.name.partition(".")
                if head == "tfssl" and rest:
                    yield rest.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            head, _, rest = node.module.partition(".")
            if head == "tfssl" and not node.level:
                yield from (
                    [rest.partition(".")[0]] if rest else [n.name for n in node.names]
                )


def upward(path, room):
    """What a file imports from its own floor, but another room, or from above."""
    return {
        other
        for other in imports(path)
        if other != room and HEIGHT[other] >= HEIGHT[room]
    }


@pytest.mark.parametrize("room", HEIGHT)
def test_imports_go_down(room):
    files = [ROOT / f"{room}.py"] if HEIGHT[room] == 0 else (ROOT / room).rglob("*.py")
    found = {path.name: up for path in files if (up := upward(path, room))}
    assert found == {}


def test_the_wheel_holds_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT.parent / "setup.cfg")
    listed = config["options"]["packages"].split()
    found = {
        ".".join(path.parent.relative_to(ROOT.parent).parts)
        for path in ROOT.rglob("__init__.py")
    }
    assert set(listed) == {*found, "tfssl_programs", "tfssl_zoo"}


def test_every_room_has_a_floor():
    rooms = {
        path.stem
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__"} == set(HEIGHT)


def test_an_import_from_above_is_found(tmp_path):
    file = tmp_path / "queue.py"
    file.write_text("def f():\n    from tfssl.methods import SimCLR\n")
    assert upward(file, "layers") == {"methods"}
    file.write_text("from tfssl import checks, transfer\nimport tfssl.zoo\n")
    assert upward(file, "layers") == {"transfer", "zoo"}

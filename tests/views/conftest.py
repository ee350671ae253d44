import pathlib

import numpy as np
import pytest

REFERENCES = pathlib.Path(__file__).parents[1] / "references"


@pytest.fixture(scope="session")
def torchvision():
    """Values of torchvision, see references/make_torchvision.py."""
    return np.load(REFERENCES / "torchvision.npz")


@pytest.fixture(scope="session")
def tensorflow_addons():
    """Values of tensorflow-addons, see references/make_tensorflow_addons.py."""
    return np.load(REFERENCES / "tensorflow_addons.npz")


@pytest.fixture
def images():
    """Eight float images of 12 x 18 pixels in [0, 1]."""
    return np.random.default_rng(1).uniform(size=(8, 12, 18, 3)).astype("float32")

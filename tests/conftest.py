import sys
from pathlib import Path

import pytest

for folder in ("encoders", "methods", "scripts"):
    sys.path.insert(0, str(Path(__file__).parent / folder))


@pytest.fixture(autouse=True)
def float32():
    """Each test starts with the default precision."""
    import keras

    keras.config.set_dtype_policy("float32")

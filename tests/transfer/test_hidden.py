import sys

import numpy as np
import pytest

from tfssl.transfer import hidden_probe, linear_probe


@pytest.mark.matrix
def test_it_sees_what_no_line_divides():
    random = np.random.default_rng(0)
    x, y = np.split(random.normal(size=(1200, 6)).astype("float32"), [600])
    labels = [(each[:, 0] * each[:, 1] > 0).astype(int) for each in (x, y)]
    data = x, labels[0], y, labels[1]
    assert linear_probe(*data, l2=1e-3).value < 0.6
    result = hidden_probe(*data, epochs=40, batch_size=32)
    assert result.protocol == "hidden" and result.value > 0.85
    assert result.settings["units"] == 200 and result.settings["batch_size"] == 32
    assert hidden_probe(*data, epochs=40, batch_size=32) == result


def test_the_rate_falls_to_the_end_of_the_run(monkeypatch):
    """Which has the steps of batches that are not full, too."""
    module = sys.modules["tfssl.transfer.hidden"]
    rates = []

    def schedule(peak, steps):
        rates.append(module_schedule(peak, steps))
        return rates[-1]

    module_schedule = module.WarmupCosine
    monkeypatch.setattr(module, "WarmupCosine", schedule)
    x, y = np.eye(20, dtype="float32"), np.arange(20) % 2
    hidden_probe(x, y, x, y, epochs=3, batch_size=8)
    (rate,) = rates
    assert float(rate(8)) > 0 and float(rate(9)) == 0


def test_a_constant_feature_is_no_harm():
    x = np.stack([np.repeat([-1.0, 1.0], 50), np.ones(100)], axis=1)
    y = np.repeat([0, 1], 50)
    assert hidden_probe(x, y, x, y, batch_size=20).value == 1.0


def test_mistakes_are_named():
    x, y = np.eye(4), np.arange(4)
    with pytest.raises(ValueError, match="Received: units=0"):
        hidden_probe(x, y, x, y, units=0)
    with pytest.raises(ValueError, match="Received: dropout=2"):
        hidden_probe(x, y, x, y, dropout=2)
    with pytest.raises(ValueError, match="test_labels must be 4 integers"):
        hidden_probe(x, y, x, None)

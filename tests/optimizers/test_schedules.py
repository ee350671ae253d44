import numpy as np
import pytest

from tfssl.optimizers import Steps, WarmupCosine, peak_rate, scale_rate


def test_values_of_the_simclr_schedule():
    rate = WarmupCosine(4.8, total_steps=1000, warmup_steps=100)
    assert float(rate(0)) == 0.0
    assert float(rate(50)) == pytest.approx(2.4, rel=1e-6)
    assert float(rate(100)) == pytest.approx(4.8, rel=1e-6)
    assert float(rate(550)) == pytest.approx(2.4, rel=1e-5)
    assert float(rate(1000)) == pytest.approx(0.0, abs=1e-6)
    assert float(rate(2000)) == pytest.approx(0.0, abs=1e-6)
    after = [float(rate(step)) for step in range(100, 1001, 10)]
    assert np.all(np.diff(after) < 0)


def test_floor():
    rate = WarmupCosine(4.8, total_steps=100, floor=0.0048)
    assert float(rate(0)) == pytest.approx(4.8)
    assert float(rate(100)) == pytest.approx(0.0048, rel=1e-4)


def test_values_of_the_steps_of_moco():
    rate = Steps(0.03, milestones=(120, 160))
    values = [float(rate(step)) for step in (0, 119, 120, 159, 160, 200)]
    assert values == pytest.approx([0.03, 0.03, 0.003, 0.003, 0.0003, 0.0003], rel=1e-5)
    assert float(Steps(0.03)(1000)) == pytest.approx(0.03)
    copy = Steps.from_config(rate.get_config())
    assert float(copy(170)) == float(rate(170))


def test_warmup_longer_than_the_run_is_refused():
    with pytest.raises(ValueError, match="warmup_steps=11"):
        WarmupCosine(1.0, total_steps=10, warmup_steps=11)


def test_scaling_rules():
    """For 256 images: .3, and .075 and .1 times the root of the batch."""
    assert scale_rate(0.3, 4096) == pytest.approx(4.8, abs=1e-6)
    assert peak_rate("lars", 0.3, 4096) == pytest.approx(4.8, abs=1e-6)
    for for_one, batch, rate in (
        (0.075, 4096, 4.8),
        (0.1, 4096, 6.4),
        (0.005, 1024, 0.16),
    ):
        found = peak_rate("lars", 16 * for_one, batch, scaling="sqrt")
        assert found == pytest.approx(rate, abs=1e-6)
    with pytest.raises(ValueError, match="cube"):
        peak_rate("lars", 0.3, 4096, scaling="cube")

import numpy as np
import pytest

from tfssl.transfer import few_label_linear, hidden_probe, linear_probe

RANDOM = np.random.default_rng(0)
CENTRES = RANDOM.normal(size=(4, 10))
LABELS = RANDOM.integers(0, 4, 400)
FEATURES = CENTRES[LABELS] + RANDOM.normal(size=(400, 10))
GRID = tuple(10.0**power for power in range(-8, 2))


def probe(test_labels, **kwargs):
    train, test = FEATURES[:300], FEATURES[300:]
    return linear_probe(train, LABELS[:300], test, test_labels, **kwargs)


def test_accuracy_of_separable_classes():
    result = probe(LABELS[300:])
    assert result.value > 0.8
    validation = result.settings["validation_accuracy"]
    assert validation[str(result.settings["l2"])] == max(validation.values())
    assert len(validation) == 6 and result.protocol == "linear"


def test_weak_penalties_that_are_worse_are_not_tried():
    """Of many features of noise a strong penalty leaves most out."""
    noise = np.random.default_rng(1).normal(size=(400, 300))
    x = np.hstack([FEATURES, 3 * noise])
    result = linear_probe(x[:300], LABELS[:300], x[300:], LABELS[300:], l2=GRID)
    tried = result.settings["validation_accuracy"]
    assert list(map(float, tried)) == sorted(GRID, reverse=True)[: len(tried)]
    *_, best, worse, worst = [max(tried.values()), *list(tried.values())[-2:]]
    assert len(tried) < len(GRID) and max(worse, worst) < best - 0.01


def test_the_test_labels_choose_nothing():
    random = np.random.default_rng(2).permutation(LABELS[300:])
    assert probe(random).settings == probe(LABELS[300:]).settings
    assert probe(random).value < 0.5


def test_scale_and_shift_of_the_features_do_not_matter():
    random = np.random.default_rng(3)
    scale, shift = random.uniform(0.1, 10, 10), random.normal(size=10)
    moved = FEATURES * scale + shift
    result = linear_probe(moved[:300], LABELS[:300], moved[300:], LABELS[300:])
    assert result.value == pytest.approx(probe(LABELS[300:]).value, abs=0.011)


def test_one_penalty_needs_no_validation():
    result = probe(LABELS[300:], l2=0.01)
    assert result.settings == {"l2": 0.01, "validation_accuracy": {}, "seed": 0}
    assert probe(LABELS[300:], l2=1).settings["l2"] == 1


@pytest.mark.parametrize("l2", [0.0, -1, (0.1, 0), ()])
def test_penalties_are_above_zero(l2):
    with pytest.raises(ValueError, match="l2.* Received: l2="):
        probe(LABELS[300:], l2=l2)


def test_labels_are_classes():
    with pytest.raises(ValueError, match="test_labels must be 100 integers"):
        probe(None)


def test_few_of_each_class_are_held_out_from_all_classes():
    for classes, each in ((10, 5), (3, 3), (20, 2)):
        labels = np.repeat(np.arange(classes), each)
        features = np.eye(classes)[labels]
        assert linear_probe(features, labels, features, labels).value == 1.0


@pytest.mark.parametrize("bad", [0, 1])
@pytest.mark.parametrize("protocol", [linear_probe, hidden_probe, few_label_linear])
def test_features_that_are_not_finite_are_refused(protocol, bad):
    features = [FEATURES.copy(), FEATURES.copy()]
    features[bad][7, 1] = np.nan
    options = {"label_fraction": 1.0} if protocol is few_label_linear else {}
    with pytest.raises(ValueError, match="must be finite.* such as row"):
        protocol(features[0], LABELS, features[1], LABELS, **options)

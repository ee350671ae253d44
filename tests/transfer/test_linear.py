import numpy as np
import pytest

from tfssl.transfer import linear_probe
from tfssl.transfer.linear import fit_logistic

RANDOM = np.random.default_rng(0)
CENTRES = RANDOM.normal(size=(4, 10))
LABELS = RANDOM.integers(0, 4, 400)
FEATURES = CENTRES[LABELS] + RANDOM.normal(size=(400, 10))


def probe(test_labels, **kwargs):
    train, test = FEATURES[:300], FEATURES[300:]
    return linear_probe(train, LABELS[:300], test, test_labels, **kwargs)


def test_accuracy_of_separable_classes():
    result = probe(LABELS[300:])
    assert result.accuracy > 0.8
    assert result.validation[result.l2] == max(result.validation.values())


def test_the_test_labels_choose_nothing():
    random = RANDOM.permutation(LABELS[300:])
    assert probe(random).l2 == probe(LABELS[300:]).l2
    assert probe(random).validation == probe(LABELS[300:]).validation


def test_scale_and_shift_of_the_features_do_not_matter():
    scale, shift = RANDOM.uniform(0.1, 10, 10), RANDOM.normal(size=10)
    moved = FEATURES * scale + shift
    result = linear_probe(moved[:300], LABELS[:300], moved[300:], LABELS[300:])
    assert result.accuracy == pytest.approx(probe(LABELS[300:]).accuracy, abs=0.011)


def test_one_penalty_needs_no_validation():
    result = probe(LABELS[300:], l2=0.01)
    assert result.l2 == 0.01 and result.validation == {}
    assert probe(LABELS[300:], l2=1).l2 == 1


@pytest.mark.parametrize("l2", [0.0, -1, (0.1, 0), ()])
def test_penalties_are_above_zero(l2):
    with pytest.raises(ValueError, match="l2.* Received: l2="):
        probe(LABELS[300:], l2=l2)


def test_the_penalty_is_on_the_mean_loss():
    """The gradient of mean cross-entropy + l2 / 2 |W|^2 is zero at the solution."""
    l2 = 0.05
    model = fit_logistic(FEATURES, LABELS, l2)
    p = model.predict_proba(FEATURES)
    p[np.arange(len(LABELS)), LABELS] -= 1
    gradient = p.T @ FEATURES / len(LABELS) + l2 * model.coef_
    np.testing.assert_allclose(gradient, 0, atol=2e-3)

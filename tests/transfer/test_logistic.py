import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tfssl.transfer.logistic import (
    cross_validated_logistic,
    dense_weights,
    fit_logistic,
    principal_axes,
)

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 4, 400)
FEATURES = RANDOM.normal(size=(4, 10))[LABELS] + RANDOM.normal(size=(400, 10))


def test_the_penalty_is_on_the_mean_loss():
    """The gradient of mean cross-entropy + l2 / 2 |W|^2 is zero at the solution."""
    l2 = 0.05
    model = fit_logistic(FEATURES, LABELS, l2)
    p = model.predict_proba(FEATURES)
    p[np.arange(len(LABELS)), LABELS] -= 1
    gradient = p.T @ FEATURES / len(LABELS) + l2 * model.coef_
    np.testing.assert_allclose(gradient, 0, atol=2e-3)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("l2", [1e-3, 0.1])
def test_it_is_the_regression_of_scikit_learn(classes, l2):
    x, y = FEATURES[LABELS < classes], LABELS[LABELS < classes]
    along, axes = principal_axes(x)
    found = fit_logistic(along, y, l2)
    expected = LogisticRegression(C=1 / (l2 * len(x)), tol=1e-8, max_iter=9999)
    expected.fit(x, y)
    largest = np.abs(expected.coef_).max()
    np.testing.assert_allclose(
        found.coef_ @ axes.T, expected.coef_, atol=0.01 * largest
    )
    np.testing.assert_allclose(
        found.predict_proba(along), expected.predict_proba(x), atol=5e-3
    )


def test_blocks_of_images_change_nothing(monkeypatch):
    whole = fit_logistic(FEATURES, LABELS, 0.01)
    monkeypatch.setattr(sys.modules["tfssl.transfer.logistic"], "_VALUES", 100)
    found = fit_logistic(FEATURES, LABELS, 0.01)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-4)
    np.testing.assert_allclose(found.intercept_, whole.intercept_, atol=1e-4)


def test_it_starts_where_another_one_ended():
    """The result does not depend on the start."""
    first = fit_logistic(FEATURES, LABELS, 1.0)
    again = fit_logistic(FEATURES, LABELS, 0.01, first)
    alone = fit_logistic(FEATURES, LABELS, 0.01)
    np.testing.assert_allclose(again.coef_, alone.coef_, atol=0.01)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_dense_layer_predicts_the_same(classes):
    random = np.random.default_rng(0)
    labels = np.arange(30) % classes
    x = random.normal(size=(30, 4)) + labels[:, None]
    head = cross_validated_logistic(x, labels)
    kernel, bias = dense_weights(head, classes + 1)
    logits = x @ kernel + bias
    # The last class has no image and is never predicted.
    np.testing.assert_array_equal(logits.argmax(1), head.predict(x))
    difference = np.diff(logits[:, :2], axis=1)[:, 0]
    p = head.predict_proba(x)
    np.testing.assert_allclose(difference, np.log(p[:, 1] / p[:, 0]), atol=1e-4)


def test_one_scale_for_all_features_changes_nothing():
    model = cross_validated_logistic(FEATURES[:40], LABELS[:40])
    moved = cross_validated_logistic(FEATURES[:40] * 100 + 7, LABELS[:40])
    np.testing.assert_allclose(
        model.predict_proba(FEATURES),
        moved.predict_proba(FEATURES * 100 + 7),
        atol=1e-3,
    )


def test_one_image_of_a_class_is_enough():
    rows = [int(np.flatnonzero(LABELS == label)[0]) for label in range(4)]
    model = cross_validated_logistic(FEATURES[rows], LABELS[rows])
    assert model.score(FEATURES[rows], LABELS[rows]) == 1.0

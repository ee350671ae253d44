"""Multinomial logistic regression on features."""

import warnings

import numpy as np

from tfssl.checks import check_positive

# Penalties that cross-validation chooses from.
L2_GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Of so many images a fifth that is held out says as much as five of them.
_ONE_FOLD_FROM = 5000


def fit_logistic(features, labels, l2, start=None):
    """Multinomial logistic regression with penalty `l2 / 2 * |W|^2` on the mean loss.

    Args:
        features: float array `[n, dim]`.
        labels: integer array `[n]`.
        l2: float, above 0.
        start: a fitted model of the same shape to start from, or None.

    Returns:
        `sklearn.linear_model.LogisticRegression`.

    Raises:
        ValueError: for a penalty that is not above 0.
    """
    check_positive(l2=l2)
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=1.0 / (l2 * len(features)), max_iter=300, tol=1e-4, warm_start=True
    )
    if start is not None:
        model.coef_, model.intercept_ = start.coef_.copy(), start.intercept_.copy()
        model.classes_ = start.classes_
    with warnings.catch_warnings():
        # The weakest penalties converge slowly and are seldom chosen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, labels)


def cross_validated_logistic(features, labels):
    """Logistic regression for few features; cross-validation chooses its penalty.

    Features are centred and brought to one scale before the fit, and the weights are
    those for the features as they were given. The scale is one for all dimensions:
    with few images, scaling each by its own deviation blows up those that hardly vary.

    Args:
        features: float array `[n, dim]`.
        labels: integer array `[n]` from 0. If a class has a single image, none
            can be held out, and the penalty is 0.01.

    Returns:
        `sklearn.linear_model.LogisticRegression`.
    """
    mean = features.mean(axis=0)
    scale = max(float((features - mean).std()), 1e-12)
    features = (features - mean) / scale
    directions = None
    if features.shape[1] > len(features):
        # The penalty sees no rotation, and outside their span nothing is learned.
        u, s, directions = np.linalg.svd(features, full_matrices=False)
        features = u * s
    model = fit_logistic(features, labels, _chosen_l2(features, labels))
    if directions is not None:
        model.coef_ = model.coef_ @ directions
        model.n_features_in_ = directions.shape[1]
    model.coef_ = model.coef_ / scale
    model.intercept_ = model.intercept_ - model.coef_ @ mean
    return model


def _chosen_l2(features, labels):
    """The penalty with the highest accuracy on folds that are held out."""
    from sklearn.model_selection import StratifiedKFold

    folds = min(5, np.bincount(labels)[np.unique(labels)].min())
    if folds < 2:
        return 1e-2
    splits = list(StratifiedKFold(folds).split(features, labels))
    if len(labels) >= _ONE_FOLD_FROM:
        splits = splits[:1]
    scores = dict.fromkeys(L2_GRID, 0.0)
    for fitted, held_out in splits:
        model = None
        # From strong to weak: each solution is a good start for the next.
        for l2 in sorted(L2_GRID, reverse=True):
            model = fit_logistic(features[fitted], labels[fitted], l2, model)
            scores[l2] += model.score(features[held_out], labels[held_out])
    return max(L2_GRID, key=scores.get)


def dense_weights(model, num_classes):
    """Kernel and bias of a dense layer that predicts what a logistic regression does.

    Args:
        model: fitted `sklearn.linear_model.LogisticRegression`.
        num_classes: int; a class that the model does not know is never predicted.

    Returns:
        Tuple of float32 arrays `[dim, num_classes]` and `[num_classes]`.
    """
    kernel = np.zeros((model.coef_.shape[1], num_classes), "float32")
    bias = np.full(num_classes, model.intercept_.min() - 10.0, "float32")
    if len(model.classes_) == 2:
        # scikit-learn keeps one row for two classes.
        weights = np.concatenate([-model.coef_, model.coef_]) / 2
        biases = np.concatenate([-model.intercept_, model.intercept_]) / 2
    else:
        weights, biases = model.coef_, model.intercept_
    kernel[:, model.classes_] = weights.T
    bias[model.classes_] = biases
    return kernel, bias

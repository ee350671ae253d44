"""Multinomial logistic regression on features."""

import numpy as np

from tfssl.checks import check_positive
from tfssl.transfer.finite import check_finite

# Penalties that cross-validation chooses from.
L2_GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Of so many images a fifth that is held out says as much as five of them.
_ONE_FOLD_FROM = 5000
# Probabilities that are held at a time.
_VALUES = 2**22


def fit_logistic(features, labels, l2, start=None):
    """Multinomial logistic regression with penalty `l2 / 2 * |W|^2` on the mean loss.

    It minimizes what scikit-learn's does, by the same L-BFGS, with one addition: each
    weight is measured in units of its own curvature. For features along their principal
    axes (`principal_axes`) that takes several times fewer iterations.

    Args:
        features: float array `[n, dim]`.
        labels: integer array `[n]`.
        l2: float, above 0. For two classes `W` is one row, as in scikit-learn.
        start: a fitted model of the same shape to start from, or None.

    Returns:
        Fitted `sklearn.linear_model.LogisticRegression`.

    Raises:
        ValueError: for a penalty that is not above 0.
    """
    check_positive(l2=l2)
    from scipy.optimize import minimize
    from sklearn.linear_model import LogisticRegression

    features = np.asarray(features)
    if not np.issubdtype(features.dtype, np.floating):
        features = features.astype("float64")
    classes, labels = np.unique(labels, return_inverse=True)
    n, dim, count = *features.shape, len(classes)
    two = count == 2
    # The difference of two rows has half the penalty of both.
    penalty = 2 * l2 if two else l2
    # The probabilities of a million images and a thousand classes would take 8 GB.
    block = max(_VALUES // count, 1)
    blocks = [slice(start, start + block) for start in range(0, n, block)]
    # The curvature of the loss where all classes are as likely, and of the penalty.
    moments = np.einsum("nd,nd->d", features, features, dtype="float64") / n
    units = 1.0 / np.sqrt(np.append(moments / count + penalty, 1.0 / count))[:, None]

    def loss_and_gradient(scaled):
        weights = scaled.reshape(dim + 1, count) * units
        kernel = weights[:-1].astype(features.dtype)
        loss, gradient = 0.0, np.zeros_like(weights)
        for part in blocks:
            x, own = features[part], labels[part]
            rows = np.arange(len(x))
            logits = (x @ kernel).astype("float64") + weights[-1]
            logits -= logits.max(axis=1, keepdims=True)
            probability = np.exp(logits)
            total = probability.sum(axis=1, keepdims=True)
            loss += np.sum(np.log(total[:, 0]) - logits[rows, own])
            probability /= total
            probability[rows, own] -= 1.0
            gradient[:-1] += x.T @ probability.astype(features.dtype)
            gradient[-1] += probability.sum(axis=0)
        loss, gradient = loss / n, gradient / n
        loss += penalty / 2 * np.sum(weights[:-1] ** 2)
        gradient[:-1] += penalty * weights[:-1]
        return loss, (gradient * units).ravel()

    first = np.zeros((dim + 1, count))
    if start is not None:
        kernel, bias = _of_each_class(start)
        first = np.vstack([kernel, bias]) / units
    found = minimize(
        loss_and_gradient,
        first.ravel(),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": 300, "gtol": 1e-4, "ftol": 1e-7},
    )
    weights = found.x.reshape(dim + 1, count) * units
    if two:
        weights = weights[:, 1:] - weights[:, :1]
    model = LogisticRegression(C=1.0 / (l2 * n))
    model.classes_, model.n_features_in_ = classes, dim
    model.coef_, model.intercept_ = weights[:-1].T, weights[-1]
    return model


def principal_axes(features):
    """Features along their principal axes, and the axes.

    No penalty sees a rotation, but along these axes a regression is found faster.

    Args:
        features: float array `[n, dim]`.

    Returns:
        Tuple of an array `[n, m]`, and the axes `[dim, m]`: `features @ axes` is the
        first. m is the smaller of n and dim.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer.logistic import principal_axes
        >>> x = np.random.default_rng(0).normal(size=(9, 4))
        >>> along, axes = principal_axes(x)
        >>> bool(np.allclose(along @ axes.T, x))
        True
    """
    if features.shape[1] > len(features):
        # Outside their span nothing is learned.
        u, s, axes = np.linalg.svd(features, full_matrices=False)
        return u * s, axes.T
    _, axes = np.linalg.eigh(features.T @ features)
    return features @ axes, axes


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

    Raises:
        ValueError: if a feature is not finite.
    """
    check_finite(features, "features")
    mean = features.mean(axis=0)
    scale = max(float((features - mean).std()), 1e-12)
    features = (features - mean) / scale
    features, axes = principal_axes(features)
    model = fit_logistic(features, labels, _chosen_l2(features, labels))
    model.n_features_in_ = len(axes)
    model.coef_ = model.coef_ @ axes.T / scale
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
    kernel[:, model.classes_], bias[model.classes_] = _of_each_class(model)
    return kernel, bias


def _of_each_class(model):
    """Weights `[dim, classes]` and biases `[classes]` of a logistic regression."""
    if len(model.classes_) > 2:
        return model.coef_.T, model.intercept_
    # scikit-learn keeps one row for two classes.
    weights = np.concatenate([-model.coef_, model.coef_]) / 2
    biases = np.concatenate([-model.intercept_, model.intercept_]) / 2
    return weights.T, biases

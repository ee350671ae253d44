"""Linear probe: multinomial logistic regression on frozen features."""

import math
import numbers

import numpy as np

from tfssl.checks import check_fraction, check_positive
from tfssl.transfer.finite import check_finite
from tfssl.transfer.labels import check_labels
from tfssl.transfer.logistic import fit_logistic, principal_axes
from tfssl.transfer.result import Result

# Strengths of the L2 penalty on the mean cross-entropy.
L2_GRID = tuple(10.0**power for power in (-6, -5, -4, -3, -2, -1))
# Weak penalties take longest. No weaker one is tried after two in a row whose held-out
# accuracy is so far below the best.
_WORSE = 0.01


def linear_probe(
    train_features,
    train_labels,
    test_features,
    test_labels,
    l2=L2_GRID,
    validation_fraction=0.1,
    seed=0,
    verbose=0,
):
    """The protocol "linear": accuracy of a linear classifier on frozen features.

    Features are standardised with the mean and standard deviation of the training
    features. The penalty is chosen on a part held out of them, from strong to weak
    until two in a row are worse than the best by more than a point; the classifier is
    then fitted to all of them, and the test features are used once.

    Args:
        train_features, test_features: float arrays `[n, dim]`, `[m, dim]`.
        train_labels, test_labels: integer arrays `[n]`, `[m]`, from 0.
        l2: penalties to choose from, or one number. Defaults to 1e-6 ... 0.1.
        validation_fraction: float, fraction of the training features held out, but at
            least one of each class. Defaults to 0.1.
        seed: int, of the split. Defaults to 0.
        verbose: 0 or 1, whether to print the held-out accuracy of each penalty.

    Returns:
        `Result` with the chosen penalty `l2` and `validation_accuracy`, a dict of the
        held-out accuracy of each penalty that was tried, among its settings.

    Raises:
        ValueError: if a class has fewer than two training features to split, a penalty
            is not above 0, or the labels are not an integer from 0 for each row.

    Example:
        >>> import numpy as np
        >>> from tfssl.transfer import linear_probe
        >>> x = np.random.default_rng(0).normal(size=(80, 5))
        >>> y = (x[:, 0] > 0).astype(int)
        >>> linear_probe(x, y, x, y).value > 0.9
        True

    Source: Chen et al. 2020, arXiv 2002.05709, appendix B.8 (logistic regression with
    L2 chosen on a validation split).
    """
    from sklearn.model_selection import train_test_split

    grid = (l2,) if isinstance(l2, numbers.Real) else tuple(l2)
    if not grid:
        raise ValueError(f"l2 must name at least one penalty. Received: l2={l2}")
    for penalty in grid:
        check_positive(l2=penalty)
    train_labels = check_labels(train_labels, len(train_features), "train_labels")
    test_labels = check_labels(test_labels, len(test_features), "test_labels")
    check_fraction(validation_fraction=validation_fraction)
    train, test = standardized(train_features, test_features)
    train, axes = principal_axes(train)
    test = test @ axes
    validation = {}
    if len(grid) > 1:
        # One of each class at the least, to be drawn from all classes alike.
        count = math.ceil(validation_fraction * len(train))
        fit, held, fit_labels, held_labels = train_test_split(
            train,
            train_labels,
            test_size=max(count, len(np.unique(train_labels))),
            random_state=seed,
            stratify=train_labels,
        )
        model, models = None, {}
        # From strong to weak: each solution is a good start for the next.
        for penalty in sorted(grid, reverse=True):
            model = models[penalty] = fit_logistic(fit, fit_labels, penalty, model)
            validation[penalty] = float(np.mean(model.predict(held) == held_labels))
            if verbose:
                print(
                    f"  L2 {penalty:g}: {validation[penalty]:.4f} held out", flush=True
                )
            best = max(validation.values())
            if all(value < best - _WORSE for value in list(validation.values())[-2:]):
                break
        # They are copies, nearly as large as all of them.
        del fit, held
    chosen = max(validation, key=validation.get) if validation else grid[0]
    start = models[chosen] if validation else None
    model = fit_logistic(train, train_labels, chosen, start)
    accuracy = float(np.mean(model.predict(test) == test_labels))
    settings = {
        "l2": chosen,
        # As JSON has them: its keys are strings.
        "validation_accuracy": {str(l2): value for l2, value in validation.items()},
        "seed": seed,
    }
    return Result("linear", accuracy, settings=settings)


def standardized(train_features, test_features):
    """Both, standardised with the mean and standard deviation of the first.

    Args:
        train_features, test_features: float arrays `[n, dim]`, `[m, dim]`.

    Returns:
        Tuple of two float arrays; a feature that is constant stays 0.

    Raises:
        ValueError: if a feature is not finite.
    """
    check_finite(train_features, "train_features")
    check_finite(test_features, "test_features")
    mean, std = np.mean(train_features, axis=0), np.std(train_features, axis=0)
    std = np.where(std > 0, std, 1.0)
    return tuple((x - mean) / std for x in (train_features, test_features))

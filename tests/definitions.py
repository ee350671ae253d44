"""Losses by their definitions in float64, a pair at a time."""

import math

import numpy as np


def softplus(x):
    return np.log1p(np.exp(x))


def brute_force(estimator, scores):
    """The estimators of mutual information, of scores `[image, position, image]`."""
    scores = scores.astype("float64")
    n, positions, _ = scores.shape
    pairs = [(m, i) for m in range(n) for i in range(n)]
    same = [scores[m, p, i] for m, i in pairs if m == i for p in range(positions)]
    other = [scores[m, p, i] for m, i in pairs if m != i for p in range(positions)]
    if estimator == "jsd":
        positives = np.mean([math.log(2) - softplus(-t) for t in same])
        negatives = np.mean([softplus(-t) + t - math.log(2) for t in other])
        return negatives - positives
    if estimator == "dv":
        return np.log(np.mean(np.exp(other))) - np.mean(same)
    total = 0.0
    for i in range(n):
        negatives = sum(np.exp(scores[m, :, i]).sum() for m in range(n) if m != i)
        for position in range(positions):
            positive = np.exp(scores[i, position, i])
            total -= np.log(positive / (positive + negatives))
    return total / (n * positions)


def nce_brute_force(p, n):
    """NCE of probabilities `[image, 1 + noise]`, its own first, among n images."""
    p = p.astype("float64")
    m = p.shape[1] - 1
    total = 0.0
    for row in p:
        total -= np.log(row[0] / (row[0] + m / n + 1e-7))
        for each in row[1:]:
            total -= np.log((m / n) / (each + m / n + 1e-7))
    return total / len(p)

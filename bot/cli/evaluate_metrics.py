"""Metrics of `jieli eval`, with bootstrap intervals. Pure numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 1000
Numbers = NDArray[np.float64]
Measure = Callable[[Numbers, Numbers], float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % bootstrap interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def auc(truth: Numbers, score: Numbers) -> float:
    """Area under the ROC curve by ranks, ties counted half."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return math.nan
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def accuracy(truth: Numbers, score: Numbers) -> float:
    """Share of rows on the right side of 0.5."""
    return float(((score >= 0.5) == (truth == 1)).mean())


def macro_f1(truth: Numbers, score: Numbers) -> float:
    """Mean F1 of the two classes at 0.5."""
    found = []
    for side in (0, 1):
        hit = float((((score >= 0.5) == bool(side)) & (truth == side)).sum())
        total = float(((score >= 0.5) == bool(side)).sum() + (truth == side).sum())
        found.append(2 * hit / total if total else 0.0)
    return sum(found) / 2


def recall_at_3(truth: Numbers, score: Numbers) -> float:
    """Recall of the positives at a threshold that at most 3 % of the negatives pass."""
    if not (truth == 1).any() or not (truth == 0).any():
        return math.nan
    bar = np.quantile(score[truth == 0], 0.97)
    return float((score[truth == 1] > bar).mean())


def calibration_error(truth: Numbers, score: Numbers, bins: int = 10) -> float:
    """Expected calibration error in equal-width bins."""
    at = np.minimum((score * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = at == b
        if inside.any():
            error += inside.mean() * abs(score[inside].mean() - truth[inside].mean())
    return float(error)


def estimate(measure: Measure, truth: Sequence[float], score: Sequence[float], seed: int = 7) -> Estimate:
    """`measure` with its interval, rows resampled."""
    a, b = np.asarray(truth, dtype=float), np.asarray(score, dtype=float)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(ROUNDS):
        pick = rng.integers(0, len(a), len(a))
        values.append(measure(a[pick], b[pick]))
    low, high = np.nanpercentile(values, [2.5, 97.5]) if not np.isnan(values).all() else (math.nan, math.nan)
    return Estimate(measure(a, b), float(low), float(high))


def share(hits: Sequence[bool], seed: int = 7) -> Estimate:
    """Share of true values with its interval."""
    return average([float(hit) for hit in hits], seed)


def average(values: Sequence[float], seed: int = 7) -> Estimate:
    """Mean with its interval."""
    if not values:
        return Estimate(math.nan, math.nan, math.nan)
    row = np.asarray(values, dtype=float)
    means = np.random.default_rng(seed).choice(row, (ROUNDS, len(row))).mean(axis=1)
    return Estimate(float(row.mean()), float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5)))


def golden_transfer(truth: Sequence[int], predicted: Sequence[int], tolerance: int) -> float:
    """GT-T of one chat (MHCH literature, lambda 0): `truth`, `predicted` are transfer turns."""
    if not truth and not predicted:
        return 1.0
    if not truth or not predicted:
        return 0.0
    spread = 2 * (tolerance + 1e-7) ** 2
    return sum(max(math.exp(-((p - q) ** 2) / spread) for q in truth) for p in predicted) / len(predicted)


def timing(truth: int | None, predicted: int | None) -> str:
    """exact · within_one · early · late · missed · false · clean."""
    if truth is None:
        return "clean" if predicted is None else "false"
    if predicted is None:
        return "missed"
    if predicted == truth:
        return "exact"
    if abs(predicted - truth) == 1:
        return "within_one"
    return "early" if predicted < truth else "late"

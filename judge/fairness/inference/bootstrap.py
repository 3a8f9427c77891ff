"""Resampling people of one group: any metric that is a function of means, at a bounded cost.

Every metric of `metrics.score_errors` is a function of a few means over people (of score, score², rating·score, …), so
a bootstrap sample enters only through weighted means: one matrix product gives all samples of all metrics. Above LARGE
people the means themselves are drawn from their normal limit, which costs one pass over the people whatever the number
of samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: From so many people of a group on, bootstrap means are drawn from the central limit instead of resampled.
LARGE = 20_000
#: Part of a group's people who are its top tail.
TOP = 0.05
_CHUNK = 4_000_000


def resampled_means(
    people: NDArray[np.float64],
    tail_score: NDArray[np.float64],
    *,
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and top tails of samples of n people drawn with replacement, (n_resamples, m) and (n_resamples,).

    people       (n, m) the quantities whose means are wanted       tail_score   (n,) the score of the top tail
    """
    n = len(people)
    if n > LARGE:
        return _drawn_means(people, tail_score, n_resamples, rng)
    order = np.argsort(-tail_score, kind="stable")
    people, best_first = people[order], tail_score[order]
    means, tails = np.empty((n_resamples, people.shape[1])), np.empty(n_resamples)
    chunk = max(1, _CHUNK // n)
    for start in range(0, n_resamples, chunk):
        size = min(chunk, n_resamples - start)
        drawn = rng.integers(0, n, size=(size, n), dtype=np.int32)
        drawn += np.arange(0, size * n, n, dtype=np.int32)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)
        means[start : start + size] = times @ people / n
        tails[start : start + size] = weighted_top_tail(best_first, times)
    return means, tails


def weighted_top_tail(best_first: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean score of the best TOP of each sample (at least one person; the last one counts in part).

    best_first   (n,) scores, highest first      times   (samples, n) how often each person was drawn, sums n
    """
    wanted = max(TOP * len(best_first), 1.0)
    # only the first few times TOP·n people can be reached; the rest would be summed for nothing
    reach = min(len(best_first), int(4 * wanted) + 64)
    part = times[:, :reach]
    before = np.cumsum(part, axis=1)
    before -= part
    taken = np.clip(wanted - before, 0.0, part)
    missing = wanted - taken.sum(axis=1)
    value = taken @ best_first[:reach]
    for i in np.flatnonzero(missing > 1e-9):  # a sample that left out nearly all of the best
        left = np.clip(wanted - (np.cumsum(times[i]) - times[i]), 0.0, times[i])
        value[i] = left @ best_first
    return value / wanted


def top_tail(scores: NDArray[np.float64]) -> float:
    """Mean of the best TOP of the scores (at least one; the last one counts in part); NaN for nobody."""
    if len(scores) == 0:
        return np.nan
    wanted = max(TOP * len(scores), 1.0)
    whole = int(np.ceil(wanted))
    best = np.sort(-np.partition(-scores, whole - 1)[:whole])[::-1]
    weights = np.ones(whole)
    weights[-1] -= whole - wanted
    return float(best @ weights / wanted)


def _drawn_means(
    people: NDArray, tail_score: NDArray, n_resamples: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """The same from the joint normal limit of the means and of the top tail.

    The tail is the mean of q + (score − q)₊ / TOP at its cut q; moving q has no first-order effect
    (Rockafellar & Uryasev 2000), so q is held fixed.
    """
    n = len(people)
    last = n - int(np.ceil(TOP * n))
    cut = np.partition(tail_score, last)[last]
    beyond = cut + np.maximum(tail_score - cut, 0) / TOP
    middle = people.mean(axis=0)
    mean_tail = beyond.mean()
    m = people.shape[1]
    products = np.zeros((m + 1, m + 1))
    for start in range(0, n, 500_000):
        part = np.column_stack(
            [people[start : start + 500_000] - middle, beyond[start : start + 500_000] - mean_tail]
        )
        products += part.T @ part
    values, vectors = np.linalg.eigh(products / n / n)
    draws = rng.standard_normal((n_resamples, m + 1)) * np.sqrt(np.maximum(values, 0)) @ vectors.T
    return middle + draws[:, :m], mean_tail + draws[:, m]


def percentile_levels(n: int, confidence: float) -> tuple[float, float]:
    """Percentiles of the bootstrap that make up for its narrowness in small samples.

    The "expanded percentile" interval: level Φ(−√(n/(n−1)) · t) with n − 1 degrees of freedom
    (Hesterberg 2015, The American Statistician 69(4), section 5.2).
    """
    from scipy.special import ndtr, stdtrit

    if n < 2:
        return np.nan, np.nan
    level = float(ndtr(-np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + confidence) / 2)))
    return level, 1 - level

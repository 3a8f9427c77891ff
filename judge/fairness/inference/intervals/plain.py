"""Intervals for rates, their ratio and their difference that survive zero counts.

All functions are vectorised over their counts, take the confidence as a fraction (0.95) and return
(low, high) of the same shape. A count out of nobody gives NaN, never 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.intervals.inverted import (
    constrained_for_difference,
    constrained_for_ratio,
    inverted,
    normal_quantile,
)
from judge.fairness.inference.settings import Bounds


def clopper_pearson(count: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Bounds:
    """Exact interval of a binomial share: two one-sided binomial tests inverted.

    Parameters
    ----------
    count, n : array-like of int
        Successes and trials, broadcast against each other; count ≤ n.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits in [0, 1]; NaN where n is 0.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26:404.

    Examples
    --------
    With no success in n trials the upper limit is 1 − 0.025^(1/n):

    >>> low, high = clopper_pearson(0, 10)
    >>> float(low), round(float(high), 4), round(1 - 0.025 ** (1 / 10), 4)
    (0.0, 0.3085, 0.3085)
    """
    from scipy.special import betaincinv

    count, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(n, float))
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(count > 0, betaincinv(np.where(count > 0, count, 1), n - count + 1, tail), 0.0)
        high = np.where(count < n, betaincinv(count + 1, np.where(count < n, n - count, 1), 1 - tail), 1.0)
    return Bounds(np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan))


def wilson(count: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Bounds:
    """Score interval of a binomial share; inside [0, 1] and never of zero width.

    Parameters
    ----------
    count, n : array-like of int
        Successes and trials, broadcast against each other; count ≤ n.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits in [0, 1]; NaN where n is 0.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22:209.

    Examples
    --------
    With no success the upper limit is z² / (n + z²), z = 1.96:

    >>> low, high = wilson([0, 5], 10)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.237], [0.278, 0.763])
    """
    count, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(n, float))
    z = normal_quantile(confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = count / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # rounding would leave 1e-18 where the limit is exactly 0 or 1
    low, high = np.where(count == 0, 0.0, middle - half), np.where(count == n, 1.0, middle + half)
    return Bounds(np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan))


def katz_ratio(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Log interval of the ratio (count/n)/(count_0/n_0); NaN where a count is zero.

    Parameters
    ----------
    count, n, count_0, n_0 : array-like of int
        Successes and trials of the group and of the reference, broadcast against each other.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits above 0.

    References
    ----------
    Katz, Baptista, Azen & Pike (1978), Biometrics 34:469, method C.

    Examples
    --------
    1 of 480 against 37 of 4,500, the published contest of 2016:

    >>> low, high = katz_ratio(1, 480, 37, 4500)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0348, 1.8426)
    """
    arrays = [np.asarray(a, float) for a in (count, n, count_0, n_0)]
    count, n, count_0, n_0 = np.broadcast_arrays(*arrays)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_ratio = np.log(count / n) - np.log(count_0 / n_0)
        half = normal_quantile(confidence) * np.sqrt(1 / count - 1 / n + 1 / count_0 - 1 / n_0)
        low, high = np.exp(log_ratio - half), np.exp(log_ratio + half)
    defined = (count > 0) & (count_0 > 0)
    return Bounds(np.where(defined, low, np.nan), np.where(defined, high, np.nan))


def koopman_ratio(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Score interval of the ratio (count/n)/(count_0/n_0), which survives zero counts.

    With no winner in the group the lower limit is 0; with none in the reference the upper limit is infinite;
    with none at all the interval is [0, ∞].

    Parameters
    ----------
    count, n, count_0, n_0 : array-like of int
        Successes and trials of the group and of the reference, broadcast against each other.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits in [0, ∞]; NaN where a side has nobody.

    References
    ----------
    Koopman (1984), Biometrics 40:513; the constrained estimate: Miettinen & Nurminen (1985), Stat. Med. 4:213, eq. 12.

    Examples
    --------
    >>> low, high = koopman_ratio(5, 50, 0, 100)
    >>> float(low) > 1, float(high)
    (True, inf)
    """
    arrays = [np.asarray(a, float) for a in (count, n, count_0, n_0)]
    x1, n1, x0, n0 = np.broadcast_arrays(*arrays)

    def score(log_ratio: NDArray) -> NDArray:
        theta = np.exp(log_ratio)
        p0 = constrained_for_ratio(theta, x1, n1, x0, n0)
        p1 = theta * p0
        variance = p1 * (1 - p1) / n1 + theta**2 * p0 * (1 - p0) / n0
        return (x1 / n1 - theta * x0 / n0) / np.sqrt(np.maximum(variance, 1e-300))

    low, high = inverted(score, x1, n1, x0, n0, bounds=(-60.0, 60.0), confidence=confidence)
    low, high = np.exp(low), np.exp(high)
    low = np.where(x1 == 0, 0.0, low)
    high = np.where(x0 == 0, np.inf, high)
    empty = (n1 == 0) | (n0 == 0)
    return Bounds(np.where(empty, np.nan, low), np.where(empty, np.nan, high))


def miettinen_nurminen_difference(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Score interval of the difference count/n − count_0/n_0.

    Parameters
    ----------
    count, n, count_0, n_0 : array-like of int
        Successes and trials of the group and of the reference, broadcast against each other.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits in [−1, 1]; NaN where a side has nobody.

    References
    ----------
    Miettinen & Nurminen (1985), Stat. Med. 4:213, eq. 8–9.

    Examples
    --------
    Alike on both sides, the interval lies around 0:

    >>> low, high = miettinen_nurminen_difference(5, 10, 5, 10)
    >>> round(float(low), 3), round(float(high), 3)
    (-0.41, 0.41)
    """
    arrays = [np.asarray(a, float) for a in (count, n, count_0, n_0)]
    x1, n1, x0, n0 = np.broadcast_arrays(*arrays)
    total = n1 + n0

    def score(delta: NDArray) -> NDArray:
        p1, p0 = constrained_for_difference(delta, x1, n1, x0, n0)
        variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * total / np.maximum(total - 1, 1)
        return (x1 / n1 - x0 / n0 - delta) / np.sqrt(np.maximum(variance, 1e-300))

    low, high = inverted(score, x1, n1, x0, n0, bounds=(-1.0, 1.0), confidence=confidence)
    empty = (n1 == 0) | (n0 == 0)
    return Bounds(np.where(empty, np.nan, low), np.where(empty, np.nan, high))

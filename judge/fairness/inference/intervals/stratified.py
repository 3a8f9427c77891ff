"""Intervals of a ratio and a difference of selection rates that are common to several brackets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.intervals.inverted import (
    constrained_for_difference,
    constrained_for_ratio,
    normal_quantile,
    of_brackets,
)
from judge.fairness.inference.settings import Bounds


def greenland_robins_ratio(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Log interval of the Mantel–Haenszel ratio over brackets; in one bracket it is `katz_ratio`.

    Parameters
    ----------
    count, n, count_0, n_0 : (…, B) array-like of int
        Successes and trials of the group and of the reference in each bracket, broadcast against each other.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits above 0, of shape (…); NaN where one side has no success in any bracket with both sides.

    References
    ----------
    Greenland & Robins (1985), Biometrics 41:55, eq. 13.

    Examples
    --------
    >>> [round(float(limit), 4) for limit in greenland_robins_ratio([1], [480], [37], [4500])]
    [0.0348, 1.8426]
    """
    x1, n1, x0, n0 = np.broadcast_arrays(*[np.asarray(a, float) for a in (count, n, count_0, n_0)])
    total = np.maximum(n1 + n0, 1)
    above, below = (x1 * n0 / total).sum(axis=-1), (x0 * n1 / total).sum(axis=-1)
    spread = ((x1 + x0) * n1 * n0 / total**2 - x1 * x0 / total).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = normal_quantile(confidence) * np.sqrt(spread / (above * below))
        low, high = above / below * np.exp(-half), above / below * np.exp(half)
    defined = (above > 0) & (below > 0)
    return Bounds(np.where(defined, low, np.nan), np.where(defined, high, np.nan))


def stratified_score_ratio(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Score interval of a ratio common to all brackets, with Mantel–Haenszel weights; one bracket: `koopman_ratio`.

    Parameters
    ----------
    count, n, count_0, n_0 : (…, B) array-like of int
        Successes and trials of the group and of the reference in each bracket, broadcast against each other.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits in [0, ∞], of shape (…); NaN where no bracket has both sides.

    References
    ----------
    Gart & Nam (1988), Biometrics 44:323, section 5; the constrained estimate as in `koopman_ratio`.

    Examples
    --------
    >>> from judge.fairness.inference.intervals import koopman_ratio
    >>> once, same = koopman_ratio(5, 50, 8, 100), stratified_score_ratio([5], [50], [8], [100])
    >>> bool(np.allclose(once, same))
    True
    """
    x1, n1, x0, n0 = np.broadcast_arrays(*[np.asarray(a, float) for a in (count, n, count_0, n_0)])
    both = (n1 > 0) & (n0 > 0)
    weight = np.where(both, n1 * n0 / np.maximum(n1 + n0, 1), 0.0)

    def score(log_ratio: NDArray) -> NDArray:
        theta = np.exp(log_ratio)[..., None]
        p0 = constrained_for_ratio(theta, x1, n1, x0, n0)
        p1 = theta * p0
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = p1 * (1 - p1) / n1 + theta**2 * p0 * (1 - p0) / n0
            gap = weight * (x1 / n1 - theta * x0 / n0)
        spread = np.where(both, weight**2 * variance, 0.0).sum(axis=-1)
        return np.where(both, gap, 0.0).sum(axis=-1) / np.sqrt(np.maximum(spread, 1e-300))

    return of_brackets(score, x1, x0, both, limits=(-60.0, 60.0), confidence=confidence, ratio=True)


def stratified_score_difference(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Score interval of a difference common to all brackets; in one bracket `miettinen_nurminen_difference`.

    Parameters
    ----------
    count, n, count_0, n_0 : (…, B) array-like of int
        Successes and trials of the group and of the reference in each bracket, broadcast against each other.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Bounds
        Limits in [−1, 1], of shape (…); NaN where no bracket has both sides.

    References
    ----------
    Miettinen & Nurminen (1985), Stat. Med. 4:213, eq. 14–15, with Mantel–Haenszel weights n₁n₀/N.

    Examples
    --------
    >>> from judge.fairness.inference.intervals import miettinen_nurminen_difference
    >>> once, same = miettinen_nurminen_difference(5, 10, 4, 12), stratified_score_difference([5], [10], [4], [12])
    >>> bool(np.allclose(once, same))
    True
    """
    x1, n1, x0, n0 = np.broadcast_arrays(*[np.asarray(a, float) for a in (count, n, count_0, n_0)])
    both = (n1 > 0) & (n0 > 0)
    weight = np.where(both, n1 * n0 / np.maximum(n1 + n0, 1), 0.0)

    def score(delta: NDArray) -> NDArray:
        delta = delta[..., None]
        p1, p0 = constrained_for_difference(delta, x1, n1, x0, n0)
        total = n1 + n0
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * total / np.maximum(total - 1, 1)
            gap = weight * (x1 / n1 - x0 / n0 - delta)
        spread = np.where(both, weight**2 * variance, 0.0).sum(axis=-1)
        return np.where(both, gap, 0.0).sum(axis=-1) / np.sqrt(np.maximum(spread, 1e-300))

    return of_brackets(score, x1, x0, both, limits=(-1.0, 1.0), confidence=confidence, ratio=False)

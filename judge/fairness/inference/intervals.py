"""Intervals for rates, their ratio and their difference that survive zero counts.

All functions are vectorised over their counts, take the confidence as a fraction (0.95) and return
(low, high) of the same shape. A count out of nobody gives NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.settings import Bounds


def _normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


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
    z = _normal_quantile(confidence)
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
        half = _normal_quantile(confidence) * np.sqrt(1 / count - 1 / n + 1 / count_0 - 1 / n_0)
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
        p0 = _constrained_for_ratio(theta, x1, n1, x0, n0)
        p1 = theta * p0
        variance = p1 * (1 - p1) / n1 + theta**2 * p0 * (1 - p0) / n0
        return (x1 / n1 - theta * x0 / n0) / np.sqrt(np.maximum(variance, 1e-300))

    low, high = _inverted(score, x1, n1, x0, n0, bounds=(-60.0, 60.0), confidence=confidence)
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
        p1, p0 = _constrained_for_difference(delta, x1, n1, x0, n0)
        variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * total / np.maximum(total - 1, 1)
        return (x1 / n1 - x0 / n0 - delta) / np.sqrt(np.maximum(variance, 1e-300))

    low, high = _inverted(score, x1, n1, x0, n0, bounds=(-1.0, 1.0), confidence=confidence)
    empty = (n1 == 0) | (n0 == 0)
    return Bounds(np.where(empty, np.nan, low), np.where(empty, np.nan, high))


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
        half = _normal_quantile(confidence) * np.sqrt(spread / (above * below))
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
    >>> once, same = koopman_ratio(5, 50, 8, 100), stratified_score_ratio([5], [50], [8], [100])
    >>> bool(np.allclose(once, same))
    True
    """
    x1, n1, x0, n0 = np.broadcast_arrays(*[np.asarray(a, float) for a in (count, n, count_0, n_0)])
    both = (n1 > 0) & (n0 > 0)
    weight = np.where(both, n1 * n0 / np.maximum(n1 + n0, 1), 0.0)

    def score(log_ratio: NDArray) -> NDArray:
        theta = np.exp(log_ratio)[..., None]
        p0 = _constrained_for_ratio(theta, x1, n1, x0, n0)
        p1 = theta * p0
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = p1 * (1 - p1) / n1 + theta**2 * p0 * (1 - p0) / n0
            gap = weight * (x1 / n1 - theta * x0 / n0)
        spread = np.where(both, weight**2 * variance, 0.0).sum(axis=-1)
        return np.where(both, gap, 0.0).sum(axis=-1) / np.sqrt(np.maximum(spread, 1e-300))

    return _of_brackets(score, x1, x0, both, limits=(-60.0, 60.0), confidence=confidence, ratio=True)


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
    >>> once, same = miettinen_nurminen_difference(5, 10, 4, 12), stratified_score_difference([5], [10], [4], [12])
    >>> bool(np.allclose(once, same))
    True
    """
    x1, n1, x0, n0 = np.broadcast_arrays(*[np.asarray(a, float) for a in (count, n, count_0, n_0)])
    both = (n1 > 0) & (n0 > 0)
    weight = np.where(both, n1 * n0 / np.maximum(n1 + n0, 1), 0.0)

    def score(delta: NDArray) -> NDArray:
        delta = delta[..., None]
        p1, p0 = _constrained_for_difference(delta, x1, n1, x0, n0)
        total = n1 + n0
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * total / np.maximum(total - 1, 1)
            gap = weight * (x1 / n1 - x0 / n0 - delta)
        spread = np.where(both, weight**2 * variance, 0.0).sum(axis=-1)
        return np.where(both, gap, 0.0).sum(axis=-1) / np.sqrt(np.maximum(spread, 1e-300))

    return _of_brackets(score, x1, x0, both, limits=(-1.0, 1.0), confidence=confidence, ratio=False)


def _constrained_for_ratio(
    theta: NDArray, x1: NDArray, n1: NDArray, x0: NDArray, n0: NDArray
) -> NDArray[np.float64]:
    """The reference's rate at which the counts are likeliest if the ratio is θ: Miettinen & Nurminen 1985, eq. 12."""
    a, b, c = (n1 + n0) * theta, n1 * theta + x1 + n0 + x0 * theta, x1 + x0
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * c / (b + np.sqrt(np.maximum(b**2 - 4 * a * c, 0)))


def _constrained_for_difference(
    delta: NDArray, x1: NDArray, n1: NDArray, x0: NDArray, n0: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both rates at which the counts are likeliest if the difference is δ: the middle root of a cubic, ibid. eq. 8."""
    total = n1 + n0
    with np.errstate(invalid="ignore", divide="ignore"):
        l3 = total
        l2 = (n1 + 2 * n0) * delta - total - (x1 + x0)
        l1 = (n0 * delta - total - 2 * x0) * delta + x1 + x0
        l0 = x0 * delta * (1 - delta)
        q = (l2 / (3 * l3)) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
        root = np.sqrt(np.maximum((l2 / (3 * l3)) ** 2 - l1 / (3 * l3), 0))
        # q is 0 where both sides are alike and delta is 0; p³ must neither be 0 nor underflow
        p = np.where(q < 0, -1.0, 1.0) * np.maximum(root, 1e-100)
        angle = (np.pi + np.arccos(np.clip(q / p**3, -1, 1))) / 3
        p0 = np.clip(2 * p * np.cos(angle) - l2 / (3 * l3), 0, 1)
    return np.clip(p0 + delta, 0, 1), p0


def _of_brackets(
    score: Callable[[NDArray], NDArray],
    x1: NDArray,
    x0: NDArray,
    both: NDArray,
    *,
    limits: tuple[float, float],
    confidence: float,
    ratio: bool,
) -> Bounds:
    """A stratified score inverted; brackets with one side only say nothing."""
    none = np.zeros(x1.shape[:-1])
    low, high = _inverted(score, none, none, none, none, bounds=limits, confidence=confidence)
    if ratio:
        low = np.where((x1 * both).sum(axis=-1) == 0, 0.0, np.exp(low))
        high = np.where((x0 * both).sum(axis=-1) == 0, np.inf, np.exp(high))
    alone = ~both.any(axis=-1)
    return Bounds(np.where(alone, np.nan, low), np.where(alone, np.nan, high))


def _inverted(
    score: Callable[[NDArray], NDArray],
    x1: NDArray,
    n1: NDArray,
    x0: NDArray,
    n0: NDArray,
    *,
    bounds: tuple[float, float],
    confidence: float,
) -> Bounds:
    """Where a score that falls with its parameter crosses ± z, by bisection over all elements at once."""
    z = _normal_quantile(confidence)
    limits = []
    for target in (z, -z):
        left, right = np.full(x1.shape, bounds[0]), np.full(x1.shape, bounds[1])
        for _ in range(70):
            middle = (left + right) / 2
            with np.errstate(all="ignore"):
                above = score(middle) > target
            left, right = np.where(above, middle, left), np.where(above, right, middle)
        limits.append((left + right) / 2)
    return Bounds(limits[0], limits[1])

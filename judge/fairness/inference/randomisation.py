"""Randomisation p-values of sums, exact where enumeration is possible, and the t interval over replicates.

Several statistics of this wing are sums of independent parts, each of which is equally likely under the null
to take any of a short list of values: a seed's slope under every order of its doses (`sweeps.dose`), a pair's
difference under both signs (`attribution.twins`, `sweeps.dose`). The null distribution of such a sum is found by
splitting the parts into two halves, enumerating each half and counting pairs by binary search, so that eight
seeds of four doses (24⁸ ≈ 1.1·10¹¹ orders) are enumerated exactly in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from judge.fairness.inference.settings import Interval

#: Longest list of sums that one half may have; beyond it the p-value is by simulation.
HALF_LIMIT = 400_000
_TIE = 1e-9  # sums that differ by less than this, relative to the largest possible, count as equal


def tail_of_sum(
    parts: Sequence[ArrayLike],
    observed: float,
    *,
    n_permutations: int = 9_999,
    rng: np.random.Generator | int = 0,
) -> tuple[float, bool]:
    """P(|S| ≥ |observed|) of S = Σ parts[i][J_i], J_i independent and uniform.

    Parameters
    ----------
    parts : sequence of (k_i,) array-like
        Equally likely values of each independent part; the observed choice is one of them.
    observed : float
        The observed sum.
    n_permutations : int
        Simulated sums where enumeration is too long.
    rng : numpy.random.Generator or int
        For the simulation only.

    Returns
    -------
    p : float
        Two-sided by absolute value; at least 1 / (number of choices), and (1 + hits) / (1 + n_permutations) where
        simulated, so never 0.
    exact : bool
        Whether every choice was enumerated.

    References
    ----------
    Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9:39, eq. 2.

    Examples
    --------
    Of the four sums ±1 ±2 two are as large as 3, one upward and one downward:

    >>> tail_of_sum([[1, -1], [2, -2]], 3)
    (0.5, True)
    """
    arrays = [np.asarray(part, float) for part in parts]
    scale = sum(np.abs(part).max(initial=0.0) for part in arrays)
    if scale == 0:
        return 1.0, True
    bound = abs(observed) - _TIE * scale
    halves: list[np.ndarray] = [np.zeros(1), np.zeros(1)]
    for part in sorted(arrays, key=len, reverse=True):
        small = int(len(halves[1]) < len(halves[0]))
        if len(halves[small]) * len(part) > HALF_LIMIT:
            break
        halves[small] = np.add.outer(halves[small], part).ravel()
    else:
        left, right = np.sort(halves[0]), halves[1]
        above = len(left) - np.searchsorted(left, bound - right, side="left")
        below = np.searchsorted(left, -bound - right, side="right")
        hits = above.sum(dtype=np.int64) + below.sum(dtype=np.int64)
        return min(1.0, float(hits / (len(left) * len(right)))), True
    rng = np.random.default_rng(rng)
    sums = np.zeros(n_permutations)
    for part in arrays:
        sums += part[rng.integers(len(part), size=n_permutations)]
    return float((1 + np.count_nonzero(np.abs(sums) >= bound)) / (1 + n_permutations)), False


def sign_flip(
    differences: ArrayLike, *, n_permutations: int = 9_999, rng: np.random.Generator | int = 0
) -> tuple[float, bool]:
    """Two-sided sign-flip (randomisation) test that paired differences are symmetric about 0.

    Parameters
    ----------
    differences : (n,) array-like of float
        Finite; zeros stay and are harmless.
    n_permutations : int
        Simulated signs where there are too many to enumerate (above about 36 pairs).
    rng : numpy.random.Generator or int
        For the simulation only.

    Returns
    -------
    p : float
        With n pairs at least 2^(1−n).
    exact : bool
        Whether all signs were enumerated.

    References
    ----------
    Fisher (1935), The Design of Experiments, section 21.

    Examples
    --------
    Of the eight sums ±1 ±2 ±4 only 7 and −7 are as far from 0 as 7:

    >>> sign_flip([1, 2, 4])
    (0.25, True)
    """
    differences = np.asarray(differences, float)
    if differences.size <= 2 * int(np.log2(HALF_LIMIT)):
        parts = [np.array([d, -d]) for d in differences]
        return tail_of_sum(parts, float(differences.sum()), n_permutations=n_permutations, rng=rng)
    # in blocks: n_permutations × n of a large table would not fit
    rng = np.random.default_rng(rng)
    bound = abs(differences.sum()) * (1 - _TIE)
    hits, block = 0, max(1, 4_000_000 // differences.size)
    for start in range(0, n_permutations, block):
        size = min(block, n_permutations - start)
        signs = rng.integers(0, 2, size=(size, differences.size), dtype=np.int8)
        sums = 2 * (signs @ differences) - differences.sum()
        hits += int(np.count_nonzero(np.abs(sums) >= bound))
    return (1 + hits) / (1 + n_permutations), False


def t_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Mean of replicates (seeds) with Student's t interval.

    Parameters
    ----------
    values : (n,) array-like of float
        One number a replicate.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Interval
        Mean and limits; NaN limits with fewer than two replicates, all NaN with none.

    References
    ----------
    Student (1908), Biometrika 6:1.

    Examples
    --------
    Mean 2, standard error 1/√3, and 4.303 is Student's quantile with two degrees of freedom:

    >>> [round(number, 3) for number in t_interval([1, 2, 3])]
    [2.0, -0.484, 4.484]
    """
    from scipy import stats  # half a second, which the audit need not pay

    values = np.asarray(values, float)
    if values.size == 0:
        return Interval(np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if values.size == 1:
        return Interval(mean, np.nan, np.nan)
    half = stats.t.ppf((1 + confidence) / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return Interval(mean, mean - float(half), mean + float(half))


def bootstrap_t(
    values: ArrayLike,
    *,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    rng: np.random.Generator | int = 0,
) -> Interval:
    """Mean with the studentised bootstrap interval over people.

    Parameters
    ----------
    values : (n,) array-like of float
        Finite.
    confidence : float
        Level, in (0, 1).
    n_resamples : int
        Samples of n values drawn with replacement.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    Interval
        Mean and limits; a point for constant values, NaN limits with fewer than two. Resamples without spread are
        drawn only by tiny samples; there Student's t takes their place.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 12.5.

    Examples
    --------
    >>> bootstrap_t([2, 2, 2])
    Interval(value=2.0, low=2.0, high=2.0)
    """
    values = np.asarray(values, float)
    rng = np.random.default_rng(rng)
    n = values.size
    if n < 2 or values.std() == 0:
        mean = float(values.mean()) if n else float("nan")
        return Interval(mean, np.nan, np.nan) if n < 2 else Interval(mean, mean, mean)
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    centred = values - mean
    pieces, block = [], max(1, 4_000_000 // n)
    for start in range(0, n_resamples, block):
        sample = centred[rng.integers(n, size=(min(block, n_resamples - start), n))]
        shift, spread = sample.mean(axis=1), sample.std(axis=1, ddof=1)
        ok = spread > 1e-12 * error
        pieces.append(shift[ok] / (spread[ok] / np.sqrt(n)))
    t = np.concatenate(pieces)
    if t.size < 0.98 * n_resamples:
        return t_interval(values, confidence=confidence)
    low, high = np.quantile(t, [(1 + confidence) / 2, (1 - confidence) / 2])
    return Interval(mean, mean - float(low) * error, mean - float(high) * error)

"""Randomisation p-values of sums, exact where enumeration is possible, and the t interval over replicates.

Several statistics of this room are sums of independent parts, each of which is equally likely under the null
to take any of a short list of values: a seed's slope under every order of its doses (`dose`), a pair's
difference under both signs (`counterfactual`, `dose`). The null distribution of such a sum is found by
splitting the parts into two halves, enumerating each half and counting pairs by binary search, so that eight
seeds of four doses (24⁸ ≈ 1.1·10¹¹ orders) are enumerated exactly in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from judge.errors import InputError

#: Longest list of sums that one half may have; beyond it the p-value is by simulation.
HALF_LIMIT = 400_000
_TIE = 1e-9  # sums that differ by less than this, relative to the largest possible, count as equal


def tail_of_sum(
    parts: Sequence[np.ndarray], observed: float, *, n_draws: int = 9_999, rng: np.random.Generator
) -> tuple[float, bool]:
    """P(|S| ≥ |observed|) of S = Σ parts[i][J_i], J_i independent and uniform.

    parts     one vector of equally likely values for each independent part; the observed choice is one of
              them
    observed  the observed sum
    n_draws   simulated sums where enumeration is too long; then p = (1 + hits) / (1 + n_draws)
              (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39, eq. 2), never 0

    Returns (p, exact). p is two-sided by absolute value; at least 1 / (number of choices).
    """
    parts = [np.asarray(part, float) for part in parts]
    scale = sum(np.abs(part).max(initial=0.0) for part in parts)
    if scale == 0:
        return 1.0, True
    bound = abs(observed) - _TIE * scale
    halves: list[np.ndarray] = [np.zeros(1), np.zeros(1)]
    for part in sorted(parts, key=len, reverse=True):
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
    sums = np.zeros(n_draws)
    for part in parts:
        sums += part[rng.integers(len(part), size=n_draws)]
    return float((1 + np.count_nonzero(np.abs(sums) >= bound)) / (1 + n_draws)), False


def sign_flip(
    differences: np.ndarray, *, n_draws: int = 9_999, rng: np.random.Generator
) -> tuple[float, bool]:
    """Two-sided sign-flip (randomisation) test that paired differences are symmetric about 0.

    differences  (n,) finite; zeros stay and are harmless

    Returns (p, exact). With n pairs p is at least 2^(1−n). Exact up to about 36 pairs.
    """
    differences = np.asarray(differences, float)
    if differences.size <= 2 * int(np.log2(HALF_LIMIT)):
        parts = [np.array([d, -d]) for d in differences]
        return tail_of_sum(parts, float(differences.sum()), n_draws=n_draws, rng=rng)
    # in blocks: n_draws × n of a large table would not fit
    bound = abs(differences.sum()) * (1 - _TIE)
    hits, block = 0, max(1, 4_000_000 // differences.size)
    for start in range(0, n_draws, block):
        size = min(block, n_draws - start)
        signs = rng.integers(0, 2, size=(size, differences.size), dtype=np.int8)
        sums = 2 * (signs @ differences) - differences.sum()
        hits += int(np.count_nonzero(np.abs(sums) >= bound))
    return (1 + hits) / (1 + n_draws), False


def t_interval(values: np.ndarray, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of replicates (seeds) with Student's t interval.

    values  (n,) one number a replicate

    Returns (mean, low, high); NaN bounds with fewer than two replicates, all NaN with none.
    """
    values = np.asarray(values, float)
    if values.size == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(values.mean())
    if values.size == 1:
        return mean, float("nan"), float("nan")
    half = stats.t.ppf((1 + confidence) / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return mean, mean - float(half), mean + float(half)


def bootstrap_t(
    values: np.ndarray, *, n_boot: int = 2000, confidence: float = 0.95, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Mean with the studentised bootstrap interval over people (Efron & Tibshirani 1993, ch. 12.5).

    values  (n,) finite

    Returns (mean, low, high); a point for constant values, NaN bounds with fewer than two. Resamples without spread
    are drawn only by tiny samples; there Student's t takes their place.
    """
    values = np.asarray(values, float)
    n = values.size
    if n < 2 or values.std() == 0:
        mean = float(values.mean()) if n else float("nan")
        return (mean, float("nan"), float("nan")) if n < 2 else (mean, mean, mean)
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    centred = values - mean
    pieces, block = [], max(1, 4_000_000 // n)
    for start in range(0, n_boot, block):
        sample = centred[rng.integers(n, size=(min(block, n_boot - start), n))]
        shift, spread = sample.mean(axis=1), sample.std(axis=1, ddof=1)
        ok = spread > 1e-12 * error
        pieces.append(shift[ok] / (spread[ok] / np.sqrt(n)))
    t = np.concatenate(pieces)
    if t.size < 0.98 * n_boot:
        return t_interval(values, confidence=confidence)
    low, high = np.quantile(t, [(1 + confidence) / 2, (1 - confidence) / 2])
    return mean, mean - float(low) * error, mean - float(high) * error


def checked_confidence(confidence: float) -> float:
    """A confidence level inside (0, 1); raises InputError otherwise."""
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1 (for example 0.95), not {confidence!r}")
    return confidence

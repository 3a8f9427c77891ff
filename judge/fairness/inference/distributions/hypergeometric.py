"""The distribution of a group's winners under chance selection, in one bracket and summed over brackets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Log probabilities further below the mode than this (1e-35) are cut off before convolving: enough for every sum
#: that is not itself about so rare an outcome. Those are summed around the outcome, in `far_tails`.
CUT = 80.0


def hypergeometric_pmf(group: int, total: int, winners: int) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities from there) of a group's winners among `winners` of `total` people.

    Built outward from the mode by the ratio of neighbouring terms, which keeps the relative precision of
    the tails (log-gamma would lose eight digits for ten million people); the rarest terms are left out (CUT).
    """
    low, high = max(0, winners - (total - group)), min(group, winners)
    mode = int((winners + 1) * (group + 1) // (total + 2))
    mode = min(max(mode, low), high)
    low, logs = logs_around(group, total, winners, mode, 0.0)
    pmf = np.exp(logs)
    return low, pmf / pmf.sum()


def logs_around(
    group: int, total: int, winners: int, centre: int, log_odds: float
) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, log of the unnormalised terms, 0 at the largest) of Fisher's noncentral distribution.

    Terms C(group, x)·C(total − group, winners − x)·e^(x·log_odds) around `centre`, down to CUT below the largest.
    """
    low, high = max(0, winners - (total - group)), min(group, winners)
    # a sum of independent Bernoulli variables (the probability-generating function has real roots only), so
    # Bernstein's inequality bounds how far from the mode, in standard deviations and in counts, terms above CUT lie
    cells = np.array([centre, group - centre, winners - centre, total - group - winners + centre], float)
    spread = 1 / np.sqrt((1 / np.maximum(cells, 1.0)).sum()) if total else 1.0
    reach = int(CUT + np.sqrt(2.5 * CUT) * max(spread, 1.0))
    low, high = max(low, centre - reach), min(high, centre + reach)
    rising = log_ratios(group, total, winners, np.arange(centre, high, dtype=float)) + log_odds
    falling = log_ratios(group, total, winners, np.arange(centre - 1, low - 1, -1, dtype=float)) + log_odds
    logs = np.concatenate([np.cumsum(-falling)[::-1], [0.0], np.cumsum(rising)])
    logs -= logs.max()
    kept = np.flatnonzero(logs >= -CUT)
    return low + int(kept[0]), logs[kept[0] : kept[-1] + 1]


def log_ratios(group: int, total: int, winners: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log of P(x + 1) / P(x) of the hypergeometric distribution."""
    up = np.log((group - x) * (winners - x))
    return up - np.log((x + 1) * (total - group - winners + x + 1))


def open_brackets(
    group: ArrayLike, total: ArrayLike, winners: ArrayLike
) -> tuple[int, list[tuple[int, int, int]]]:
    """(winners of the group that are certain, (group, total, winners) of the brackets where chance decides)."""
    certain, undecided = 0, []
    for g, n, m in zip(*(np.asarray(a).tolist() for a in (group, total, winners)), strict=True):
        if m == 0 or g == 0:
            continue
        if g == n or m == n:  # everybody is of the group, or everybody wins
            certain += min(g, m)
        else:
            undecided.append((g, n, m))
    return certain, undecided


def exact_distribution(
    group: ArrayLike, total: ArrayLike, winners: ArrayLike
) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities) of a group's winners summed over brackets, under chance selection.

    group, total, winners   the group's entrants, all entrants and winners of each bracket, integers (B,)

    Direct convolution, no Fourier transform: all terms are positive, so tails keep their relative precision.
    """
    return _distribution(*(tuple(np.asarray(margin).tolist()) for margin in (group, total, winners)))


@lru_cache(maxsize=256)
def _distribution(
    group: tuple[int, ...], total: tuple[int, ...], winners: tuple[int, ...]
) -> tuple[int, NDArray[np.float64]]:
    """One distribution serves a group's test, its power and its interval."""
    low, brackets = open_brackets(group, total, winners)
    parts = []
    for g, n, m in brackets:
        start, pmf = hypergeometric_pmf(g, n, m)
        low += start
        parts.append(pmf)
    low, pmf = convolved(low, parts)
    pmf.setflags(write=False)
    return low, pmf


def convolved(low: int, parts: list[NDArray[np.float64]]) -> tuple[int, NDArray[np.float64]]:
    """Distribution of a sum of independent counts, its far tails cut off (CUT)."""
    pmf = np.ones(1)
    for part in sorted(parts, key=len):
        pmf = np.convolve(pmf, part)
        kept = np.flatnonzero(pmf >= pmf.max() * np.exp(-CUT))
        low += int(kept[0])
        pmf = pmf[kept[0] : kept[-1] + 1]
    return low, pmf

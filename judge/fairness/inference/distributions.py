"""The distribution of a group's winners under chance selection, in one bracket and summed over brackets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Log probabilities further below the mode than this (1e-130) are cut off before convolving; where the counts
#: spread over hundreds, already at 1e-35, for speed.
CUT, CUT_WIDE = 300.0, 80.0
WIDE = 20.0


def hypergeometric_pmf(group: int, total: int, winners: int) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities from there) of a group's winners among `winners` of `total` people.

    Built outward from the mode by the ratio of neighbouring terms, which keeps the relative precision of
    the tails (log-gamma would lose eight digits for ten million people); the rarest terms are left out (CUT).
    """
    low, high = max(0, winners - (total - group)), min(group, winners)
    mode = int((winners + 1) * (group + 1) // (total + 2))
    mode = min(max(mode, low), high)
    # no more than this far from the mode, in standard deviations and in counts, are terms above the cut
    spread = np.sqrt(max(winners * (group / total) * (1 - group / total) if total else 0.0, 1.0))
    cut = CUT if spread < WIDE else CUT_WIDE
    reach = int(cut + np.sqrt(2.5 * cut) * spread)
    low, high = max(low, mode - reach), min(high, mode + reach)
    up = np.arange(mode, high, dtype=float)
    rising = np.log((group - up) * (winners - up)) - np.log((up + 1) * (total - group - winners + up + 1))
    down = np.arange(mode, low, -1, dtype=float)
    falling = np.log(down * (total - group - winners + down)) - np.log(
        (group - down + 1) * (winners - down + 1)
    )
    logs = np.concatenate([np.cumsum(falling)[::-1], [0.0], np.cumsum(rising)])
    kept = np.flatnonzero(logs >= -cut)
    pmf = np.exp(logs[kept[0] : kept[-1] + 1])
    return low + int(kept[0]), pmf / pmf.sum()


def exact_distribution(
    group: ArrayLike, total: ArrayLike, winners: ArrayLike
) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities) of a group's winners summed over brackets, under chance selection.

    group, total, winners   the group's entrants, all entrants and winners of each bracket, integers (B,)

    Direct convolution, no Fourier transform: all terms are positive, so tails keep their relative precision.
    """
    parts = []
    low = 0
    for g, n, m in zip(*(np.asarray(a).tolist() for a in (group, total, winners)), strict=True):
        if m == 0 or g == 0:
            continue
        if g == n or m == n:  # everybody is of the group, or everybody wins
            low += min(g, m)
            continue
        start, pmf = hypergeometric_pmf(g, n, m)
        low += start
        parts.append(pmf)
    return convolved(low, parts)


def convolved(low: int, parts: list[NDArray[np.float64]]) -> tuple[int, NDArray[np.float64]]:
    """Distribution of a sum of independent counts, its far tails cut off (CUT)."""
    pmf = np.ones(1)
    for part in sorted(parts, key=len):
        pmf = np.convolve(pmf, part)
        kept = np.flatnonzero(pmf >= pmf.max() * np.exp(-(CUT if len(pmf) < 20_000 else CUT_WIDE)))
        low += int(kept[0])
        pmf = pmf[kept[0] : kept[-1] + 1]
    return low, pmf

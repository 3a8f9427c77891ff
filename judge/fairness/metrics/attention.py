"""The attention that places receive, and each group's share of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.settings import Interval


def exposure(rank: ArrayLike) -> NDArray[np.float64]:
    """Attention that a place receives: 1 / log2(1 + rank).

    Parameters
    ----------
    rank : array-like of int
        From 1.

    Returns
    -------
    float array
        1 for the first place, falling towards 0.

    References
    ----------
    Singh & Joachims (2018), KDD, eq. 1, with the logarithmic discount.

    Examples
    --------
    >>> exposure([1, 3]).tolist()
    [1.0, 0.5]
    """
    return 1 / np.log2(1 + np.asarray(rank, float))


def exposure_ratio(
    rank: ArrayLike, group: NDArray, *, member: int, others: NDArray | int, confidence: float = 0.95
) -> Interval:
    """Mean exposure of a group divided by that of others.

    Interval on the log scale (delta method) with the spread of exposure over both sides together: that of a small
    group is small just when it has missed the few places of high exposure, which left the truth outside 11 % of the
    time instead of 5 %.

    Parameters
    ----------
    rank : (n,) array-like of int
        From 1 within the bracket.
    group : (n,) int array
        Group codes.
    member : int
        Code of the group.
    others : int or (n,) bool array
        Code of the reference group, or a mask of people.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Interval
        1 is parity; NaN for an empty group or others, no interval for a side of one person.

    References
    ----------
    Singh & Joachims (2018), KDD, eq. 4: demographic parity of exposure, here as a ratio.

    Examples
    --------
    The first place against the third: 1 against ½.

    >>> exposure_ratio([1, 3], np.array([0, 1]), member=0, others=1).value
    2.0
    """
    from scipy.special import ndtri

    seen = exposure(rank)
    sides = [seen[group == member], seen[others if isinstance(others, np.ndarray) else group == others]]
    if min(len(side) for side in sides) == 0:
        return Interval(np.nan, np.nan, np.nan)
    means = [side.mean() for side in sides]
    ratio = float(means[0] / means[1])
    if min(len(side) for side in sides) < 2:
        return Interval(ratio, np.nan, np.nan)
    everybody = np.concatenate(sides)
    squared = everybody.var(ddof=1) / everybody.mean() ** 2
    variance = squared * (1 / len(sides[0]) + 1 / len(sides[1]))
    factor = float(np.exp(ndtri((1 + confidence) / 2) * np.sqrt(variance)))
    return Interval(ratio, ratio / factor, ratio * factor)

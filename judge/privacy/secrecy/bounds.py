"""What secrecy of the group costs at least, on people whose law is not known in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError


def barycentre(
    score: NDArray[np.float64], group: NDArray[np.int64], like: tuple[NDArray[np.float64], NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Scores (n,) that are independent of the group and nearest to `score` in mean square, the group being known.

    Everybody's place within the own group decides: at rank u the mean over the groups of their quantiles at u, weighted
    by size. No score that is independent of the group comes nearer to the best estimate, which is what `score` stands
    for here (Chzhen et al. 2020, "Fair regression with Wasserstein barycenters", theorem 2.3). It reads the group of
    those who are scored, so that it bounds all who do not from below.

    score, group  of the people to be scored; codes from 0
    like          scores and groups of others, whose quantiles are taken

    Raises InputError if a group has nobody among the others.

    Examples
    --------
    Group 1 scores 2 lower throughout; at equal sizes both move by 1:

    >>> others = np.array([1.0, 2, 3, -1, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    >>> barycentre(np.array([2.0, 0.0]), np.array([0, 1]), others)
    array([1., 1.])
    """
    known, codes = like
    groups = int(max(group.max(), codes.max())) + 1
    size = np.bincount(codes, minlength=groups)
    if not size.all():
        raise InputError(
            f"barycentre: groups {np.flatnonzero(size == 0).tolist()} have nobody to take quantiles of"
        )
    ordered = [np.sort(known[codes == g]) for g in range(groups)]
    steps = [(np.arange(n) + 0.5) / n for n in size]
    out = np.empty(len(score))
    for g in range(groups):
        own = group == g
        place = np.interp(score[own], ordered[g], steps[g])
        out[own] = sum(size[h] / size.sum() * np.interp(place, steps[h], ordered[h]) for h in range(groups))
    return out

"""One number for a whole ranking: how far the shares among the first i stray from those among all (NDKL)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError

#: From so many people a bracket on, brackets are taken one by one.
_LARGE = 2_000


def ndkl(groups_in_order: ArrayLike, *, bracket: ArrayLike | None = None) -> float:
    """Normalised discounted Kullback–Leibler divergence of a ranking from its entrants.

    (1/Z) Σ_i D(shares among the first i ‖ shares among all) / log2(i + 1), natural log inside, Z = Σ_i 1/log2(i + 1).

    Parameters
    ----------
    groups_in_order : (n,) array-like
        Group of each person, best first; with brackets each bracket's people together.
    bracket : (n,) array-like, optional
        The bracket of each; the value is the mean over brackets, weighted by their entrants.

    Returns
    -------
    float
        0 is parity at every depth, which no finite ranking reaches: compare with `ndkl_of_chance`.

    Raises
    ------
    InputError
        For a missing group, and where the people of a bracket are not together.

    References
    ----------
    Geyik, Ambler & Kenthapadi (2019), KDD, eq. 4.

    Examples
    --------
    First prefix: one group against ½ ½ is log 2, discount 1; second prefix: parity. Z = 1 + 1/log2 3 = 1.631.

    >>> round(ndkl(["a", "b"]), 4), round(0.693147 / 1.63093, 4)
    (0.425, 0.425)
    """
    group, names = pd.factorize(pd.Series(groups_in_order))
    code = np.zeros(len(group), np.int64) if bracket is None else pd.factorize(pd.Series(bracket))[0]
    if (np.diff(code) < 0).any() or (group < 0).any():
        raise InputError("ndkl needs a group for everybody, and the people of one bracket together")
    return ndkl_of_codes(group, bracket=code, n_groups=len(names))


def ndkl_of_codes(group: NDArray, *, bracket: NDArray, n_groups: int) -> float:
    """`ndkl` of integer codes in order of bracket and rank, in time O(n) whatever the number of groups.

    Σ_g c_g log c_g changes by one term when a person is added, so the divergence of every prefix is a difference
    of running sums.
    """
    n = len(group)
    if n == 0:
        return np.nan
    size = np.bincount(bracket)
    if n >= _LARGE * np.count_nonzero(size):
        return _of_large_brackets(group, size, n_groups)
    start = np.cumsum(size) - size
    cell = bracket.astype(np.int64) * n_groups + group
    count = np.bincount(cell, minlength=len(size) * n_groups)
    nth = _occurrence(cell, count)
    i = np.arange(1, n + 1) - np.repeat(start, size)
    gain = _gains(nth)
    log_share = np.log(count[cell] / np.repeat(size, size))
    running = np.cumsum(gain - log_share)
    offset = np.concatenate([[0.0], running])[start]
    divergence = (running - np.repeat(offset, size)) / i - np.log(i)
    discount = 1 / np.log2(i + 1)
    used = size > 0
    total = np.add.reduceat(discount * divergence, start[used]) / np.add.reduceat(discount, start[used])
    return float((total * size[used]).sum() / n)


def _of_large_brackets(group: NDArray, size: NDArray[np.int64], n_groups: int) -> float:
    """The same bracket by bracket: what depends on the place alone is computed once, the rest stays in the cache."""
    places = np.arange(1, size.max() + 1)
    log_place, discount = np.log(places), 1 / np.log2(places + 1)
    step = _gains(places)
    total, right = 0.0, 0
    for people in size[size > 0].tolist():
        part = group[right : right + people]
        right += people
        count = np.bincount(part, minlength=n_groups)
        gain = np.empty(people)
        sorted_by_group = np.argsort(part.astype(np.uint16) if n_groups < 65_536 else part, kind="stable")
        left = 0
        for members in count[count > 0].tolist():
            # the k-th member of a group adds k log k − (k − 1) log (k − 1) − log (share of the group)
            gain[sorted_by_group[left : left + members]] = step[:members] - np.log(members / people)
            left += members
        divergence = np.cumsum(gain, out=gain) / places[:people] - log_place[:people]
        weights = discount[:people]
        total += people * float(weights @ divergence / weights.sum())
    return float(total / size.sum())


def _gains(nth: NDArray) -> NDArray[np.float64]:
    """k log k − (k − 1) log (k − 1) of each k from 1."""
    before = nth - 1.0
    return nth * np.log(nth) - before * np.log(np.maximum(before, 1.0))


def _occurrence(cell: NDArray, count: NDArray) -> NDArray[np.int64]:
    """For each element how many equal ones came so far, itself included."""
    small = cell.astype(np.uint16) if len(count) < 65_536 else cell
    order = np.argsort(small, kind="stable")
    nth = np.empty(len(cell), np.int64)
    nth[order] = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count) + 1
    return nth


def ndkl_of_chance(
    groups_in_order: NDArray,
    *,
    bracket: NDArray,
    n_groups: int,
    n_permutations: int = 199,
    rng: np.random.Generator | int = 0,
) -> NDArray[np.float64]:
    """NDKL of so many random orders within brackets: what no preference at all looks like.

    Parameters
    ----------
    groups_in_order : (n,) int array
        Group codes below `n_groups`, each bracket's people together.
    bracket : (n,) int array
        Bracket codes, rising.
    n_groups : int
        Number of groups.
    n_permutations : int
        Random orders.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    (n_permutations,) float
        At least 0.

    Examples
    --------
    Two people of two groups have the same divergence in either order:

    >>> ndkl_of_chance(np.array([0, 1]), bracket=np.zeros(2, int), n_groups=2, n_permutations=3).round(3).tolist()
    [0.425, 0.425, 0.425]
    """
    rng = np.random.default_rng(rng)
    values = []
    for _ in range(n_permutations):
        shuffled = np.lexsort((rng.random(len(bracket)), bracket))
        values.append(ndkl_of_codes(groups_in_order[shuffled], bracket=bracket, n_groups=n_groups))
    return np.array(values)

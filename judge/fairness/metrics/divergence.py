"""One number for a whole ranking: how far the shares among the first i stray from those among all (NDKL)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError

#: A random order is drawn until so many were as far off as the ranking (Besag & Clifford's h), and at least FEWEST
#: times, so that what chance gives can be told.
ENOUGH, FEWEST = 20, 99
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

    i times the divergence of the first i is Σ_g c_g log c_g − i log i − Σ_g c_g log (share of g), and changes by three
    terms when a person is added. What is added up is the change: the sums themselves would be large and nearly equal.
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
    log_share = np.log(count[cell] / np.repeat(size, size))
    step = gains(np.arange(1, size.max() + 1))
    running = np.cumsum(step[nth - 1] - step[i - 1] - log_share)
    offset = np.concatenate([[0.0], running])[start]
    divergence = (running - np.repeat(offset, size)) / i
    discount = 1 / np.log2(i + 1)
    used = size > 0
    total = np.add.reduceat(discount * divergence, start[used]) / np.add.reduceat(discount, start[used])
    return float((total * size[used]).sum() / n)


def _of_large_brackets(group: NDArray, size: NDArray[np.int64], n_groups: int) -> float:
    """The same bracket by bracket: what depends on the place alone is computed once, the rest stays in the cache."""
    places = np.arange(1, size.max() + 1)
    discount = 1 / np.log2(places + 1)
    step = gains(places)
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
        gain -= step[:people]
        divergence = np.cumsum(gain, out=gain) / places[:people]
        weights = discount[:people]
        total += people * float(weights @ divergence / weights.sum())
    return float(total / size.sum())


def gains(nth: NDArray) -> NDArray[np.float64]:
    """k log k − (k − 1) log (k − 1) of each k from 1, without the difference of two large numbers."""
    before = np.asarray(nth, float) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, np.log(nth) - before * np.log1p(-1 / nth), 0.0)


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


class DivergenceTest(NamedTuple):
    """NDKL of a ranking against random orders.

    value      mean over the lots that order people who tie; their one value where nobody ties
    p_value    mean over the same lots
    median, q95   of NDKL under random orders within brackets
    n_orders   random orders looked at
    """

    value: float
    p_value: float
    median: float
    q95: float
    n_orders: int


def ndkl_test(
    groups_in_order: NDArray,
    *,
    bracket: NDArray,
    n_groups: int,
    ties: NDArray | None = None,
    most_permutations: int = 999,
    n_lots: int = 20,
    rng: np.random.Generator | int = 0,
) -> DivergenceTest:
    """Is the ranking further from its entrants than random orders within brackets?

    Sequential: orders are drawn until ENOUGH of them are as far off as the ranking, or `most_permutations` are reached.
    A p-value far from significance costs few orders, and a small one is as fine as a family of many tests needs.

    Parameters
    ----------
    groups_in_order, bracket, n_groups
        As in `ndkl_of_chance`.
    ties : (n,) int array, optional
        The same number for people of one bracket with equal scores, rising. Their order is a lot: value and p are means
        over `n_lots` of them. None: nobody ties.
    most_permutations : int
        At least 99; p cannot fall below 1/(1 + most_permutations).
    n_lots : int
        At least 1.
    rng : numpy.random.Generator or int
        Draws orders and lots.

    Returns
    -------
    DivergenceTest
        p_value in (0, 1].

    References
    ----------
    Besag & Clifford (1991), Biometrika 78:301, section 2, for the sequential p-value.

    Examples
    --------
    Everybody ties: any order is as good as another, and the ranking is as far off as chance.

    >>> groups = np.repeat([0, 1], 10)
    >>> test = ndkl_test(groups, bracket=np.zeros(20, int), n_groups=2, ties=np.zeros(20, int))
    >>> test.p_value > 0.3
    True
    """
    rng = np.random.default_rng(rng)
    divergence = _Divergence(groups_in_order, bracket, n_groups)
    if ties is not None and bool((np.diff(ties) == 0).any()):
        # from an order that neither the lot drawn nor the order of the table has a hand in
        groups_in_order = groups_in_order[np.lexsort((groups_in_order, ties))]
        observed = np.array(
            [divergence(groups_in_order[np.lexsort((rng.random(len(ties)), ties))]) for _ in range(n_lots)]
        )
    else:
        observed = np.array([divergence(groups_in_order)])
    bounds = np.cumsum(np.bincount(bracket))[:-1]
    shuffled = groups_in_order.copy()
    pieces = np.split(shuffled, bounds)
    chance: list[float] = []
    hits = np.zeros(len(observed), int)
    stopped = np.full(len(observed), np.nan)
    while len(chance) < FEWEST or (len(chance) < most_permutations and np.isnan(stopped).any()):
        for piece in pieces:
            rng.shuffle(piece)
        chance.append(divergence(shuffled))
        hits += chance[-1] >= observed - 1e-12
        stopped[(hits == ENOUGH) & np.isnan(stopped)] = len(chance)
    p = np.where(np.isnan(stopped), (hits + 1) / (len(chance) + 1), ENOUGH / stopped)
    middle, upper = np.quantile(chance, [0.5, 0.95])
    return DivergenceTest(float(observed.mean()), float(p.mean()), float(middle), float(upper), len(chance))


class _Divergence:
    """`ndkl_of_codes` of one set of people in many orders: what does not depend on the order is computed once."""

    def __init__(self, group: NDArray, bracket: NDArray, n_groups: int) -> None:
        size = np.bincount(bracket)
        self.start = np.cumsum(size) - size
        self.size, self.used = size, size > 0
        self.offset_of = bracket.astype(np.int64) * n_groups
        self.count = np.bincount(self.offset_of + group, minlength=len(size) * n_groups)
        i = np.arange(1, len(group) + 1) - np.repeat(self.start, size)
        self.position, self.log_position = i, np.log(i)
        self.discount = 1 / np.log2(i + 1)
        self.norm = np.add.reduceat(self.discount, self.start[self.used])
        k = np.arange(self.count.max(initial=0) + 1.0)
        terms = k * np.log(np.maximum(k, 1.0))
        self.gain = np.diff(terms, prepend=0.0)
        with np.errstate(divide="ignore"):
            self.log_share = np.log(self.count / np.repeat(np.maximum(size, 1), n_groups))

    def __call__(self, group: NDArray) -> float:
        cell = self.offset_of + group
        nth = _occurrence(cell, self.count)
        running = np.cumsum(self.gain[nth] - self.log_share[cell])
        offset = np.concatenate([[0.0], running])[self.start]
        divergence = (running - np.repeat(offset, self.size)) / self.position - self.log_position
        total = np.add.reduceat(self.discount * divergence, self.start[self.used]) / self.norm
        return float((total * self.size[self.used]).sum() / len(group))

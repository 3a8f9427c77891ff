"""Favouring odds: how much likelier one person of a group is picked next than one of the others.

Under Wallenius' noncentral hypergeometric distribution winners are picked one after another, each remaining
member of the group with weight ω against 1 for each of the others. ω = 1 is parity. Unlike the selection-rate
ratio it does not depend on how large a part of the bracket wins, so one ω can be common to all brackets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference.distributions import convolved
from judge.fairness.inference.settings import Interval

#: log ω is searched between ± this.
LIMIT = 14.0
#: Above so many possible counts (summed over brackets) the distribution of the total is taken as normal.
MAX_SUPPORT = 4_000
INTERVALS = ("midp", "exact")
# trapezoid nodes in units of the integrand's width: Gaussian at the peak, e^v to the left, e^(-e^v) to the right
_NODES = np.arange(-44.0, 14.0, 0.4)


def wallenius_log_pmf(
    count: ArrayLike, group: ArrayLike, others: ArrayLike, winners: ArrayLike, odds: float
) -> NDArray[np.float64]:
    """log P(`count` of the `winners` are of the group) for entrants `group` and `others`, elementwise.

    Fog (2008), Communications in Statistics 37(2), eq. 6, with t = e^(-d·u): u is the time at which the last
    winner is drawn when each person waits an exponential time. In v = log u the integrand is log-concave, so the
    trapezoid rule around its peak converges exponentially; 145 nodes give about 1e-12.
    """
    from scipy.special import gammaln

    x1, m1, m2, n = np.broadcast_arrays(*[np.asarray(a, float) for a in (count, group, others, winners)])
    x2 = n - x1
    possible = (x1 >= 0) & (x2 >= 0) & (x1 <= m1) & (x2 <= m2)
    x1, x2 = np.where(possible, x1, 0.0), np.where(possible, x2, np.minimum(n, m2))
    d = odds * (m1 - x1) + (m2 - x2)
    certain = d <= 0  # everybody wins

    def slope(v: NDArray) -> NDArray:
        u = np.exp(v)
        with np.errstate(over="ignore"):
            return 1 - d * u + x1 * odds * u / np.expm1(odds * u) + x2 * u / np.expm1(u)

    left, right = np.full(x1.shape, -60.0), np.full(x1.shape, 30.0)
    for _ in range(34):
        middle = (left + right) / 2
        rising = slope(middle) > 0
        left, right = np.where(rising, middle, left), np.where(rising, right, middle)
    peak = (left + right) / 2
    step = 1e-4
    width = np.sqrt(2 * step / np.maximum(slope(peak - step) - slope(peak + step), 1e-12))
    v = peak[..., None] + width[..., None] * _NODES
    u = np.exp(v)
    safe_d = np.where(certain, 1.0, d)
    with np.errstate(divide="ignore", under="ignore"):
        inside = v - safe_d[..., None] * u
        # 0 · log(0) where a group has no winner and u underflows
        inside += np.where(x1[..., None] > 0, x1[..., None] * np.log(-np.expm1(-odds * u)), 0.0)
        inside += np.where(x2[..., None] > 0, x2[..., None] * np.log(-np.expm1(-u)), 0.0)
        top = inside.max(axis=-1)
        integral = top + np.log(
            np.exp(inside - top[..., None]).sum(axis=-1) * (_NODES[1] - _NODES[0]) * width
        )
    choose = gammaln(m1 + 1) - gammaln(x1 + 1) - gammaln(m1 - x1 + 1)
    choose = choose + gammaln(m2 + 1) - gammaln(x2 + 1) - gammaln(m2 - x2 + 1)
    result = np.where(certain, 0.0, np.log(safe_d) + choose + integral)
    return np.where(possible, result, -np.inf)


def total_distribution(pair: Counts, odds: float) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities) of the first column's winners summed over brackets, under odds ω."""
    m1, m2, n = _margins(pair)
    low, high = np.maximum(0, n - m2), np.minimum(m1, n)
    sizes = high - low + 1
    row = np.repeat(np.arange(len(n)), sizes)
    count = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + low[row]
    pmf = np.exp(wallenius_log_pmf(count, m1[row], m2[row], n[row], odds))
    parts = np.split(pmf, np.cumsum(sizes)[:-1])
    return convolved(int(low.sum()), [part / part.sum() for part in parts])


def wallenius_moments(pair: Counts, odds: float) -> tuple[float, float]:
    """Approximate mean and variance of the total (Manly 1974; Fog 2008, eq. 27 and 28)."""
    m1, m2, n = (a.astype(float) for a in _margins(pair))
    # mean: the common time u by which n are drawn, from m1(1 − e^(-ωu)) + m2(1 − e^(-u)) = n
    low, high = np.full(len(n), -60.0), np.full(len(n), 30.0)
    for _ in range(60):
        middle = (low + high) / 2
        drawn = -m1 * np.expm1(-odds * np.exp(middle)) - m2 * np.expm1(-np.exp(middle))
        low, high = np.where(drawn < n, middle, low), np.where(drawn < n, high, middle)
    mean = -m1 * np.expm1(-odds * np.exp((low + high) / 2))
    r1, r2 = mean * (m1 - mean), (n - mean) * (mean + m2 - n)
    total = m1 + m2
    variance = total * r1 * r2 / ((total - 1) * np.maximum(m1 * r2 + m2 * r1, 1e-300))
    return float(mean.sum()), float(np.maximum(variance, 0).sum())


def wallenius_odds(
    counts: Counts,
    group: str,
    *,
    reference: str | None = None,
    confidence: float = 0.95,
    interval: str = "midp",
) -> Interval:
    """Favouring odds of a group against the reference, common to all brackets.

    The estimate maximises the joint likelihood of the brackets. The interval inverts the exact distribution of
    the group's total. Beyond 4,000 possible counts both come from the normal approximation with Fog's moments.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups.
    group, reference : str
        Groups of `counts`; reference None: all others.
    confidence : float
        Level, in (0, 1).
    interval : {"midp", "exact"}
        "exact" bounds each tail by (1 − confidence)/2 as Cornfield's does (conservative), "midp" counts half of the
        observed outcome (close to nominal).

    Returns
    -------
    Interval
        ω, 1 at parity; 0 or ∞ where no or every possible winner is of the group; NaN where the brackets say nothing
        (nobody could have lost or won).

    Raises
    ------
    InputError
        For an unknown group or kind of interval.

    References
    ----------
    Wallenius (1963), Biased Sampling, Stanford; Fog (2008), Commun. Stat. Simul. Comput. 37:258.

    Examples
    --------
    Half of each of two groups of equal size wins:

    >>> from judge.fairness.counts import Counts
    >>> odds = wallenius_odds(Counts([[10, 10]], [[5, 5]], ("a", "b")), "a")
    >>> round(odds.value, 4), odds.low < 1 < odds.high
    (1.0, True)
    """
    if interval not in INTERVALS:
        raise InputError(f"interval is one of {INTERVALS}, not {interval!r}")
    pair = _informative(counts.against(group, reference))
    if len(pair.brackets) == 0:
        return Interval(np.nan, np.nan, np.nan)
    return _odds_of(
        tuple(map(tuple, pair.entrants.tolist())),
        tuple(map(tuple, pair.winners.tolist())),
        confidence,
        interval,
    )


@lru_cache(maxsize=4096)
def _odds_of(
    entrants: tuple[tuple[int, int], ...],
    winners: tuple[tuple[int, int], ...],
    confidence: float,
    interval: str,
) -> Interval:
    """`wallenius_odds` of an informative pair; of a thousand groups many have the same counts."""
    names = tuple(map(str, range(len(entrants))))
    pair = Counts(np.array(entrants), np.array(winners), ("group", "others"), names)
    m1, m2, n = _margins(pair)
    low, high = np.maximum(0, n - m2), np.minimum(m1, n)
    observed = int(pair.winners[:, 0].sum())
    tail = (1 - confidence) / 2
    if int((high - low + 1).sum()) > MAX_SUPPORT:
        return _by_normal(pair, observed, int(low.sum()), int(high.sum()), tail)

    weight = 0.5 if interval == "midp" else 1.0

    def tails(log_odds: float) -> tuple[float, float]:
        start, pmf = total_distribution(pair, float(np.exp(log_odds)))
        i = observed - start
        at = pmf[i] if 0 <= i < len(pmf) else 0.0
        return float(pmf[: max(i, 0)].sum() + weight * at), float(pmf[max(i + 1, 0) :].sum() + weight * at)

    if observed == low.sum():
        value, low_limit = 0.0, 0.0
    else:
        value = _likeliest(pair) if observed < high.sum() else np.inf
        low_limit = _crossing(lambda v: tails(v)[1] - tail)
    high_limit = np.inf if observed == high.sum() else _crossing(lambda v: tail - tails(v)[0])
    return Interval(value, low_limit, high_limit)


def _likeliest(pair: Counts) -> float:
    from scipy.optimize import minimize_scalar

    m1, m2, n = _margins(pair)
    x = pair.winners[:, 0]

    def loss(log_odds: float) -> float:
        return -float(wallenius_log_pmf(x, m1, m2, n, float(np.exp(log_odds))).sum())

    # brackets weigh in by their information, so the moment estimate is close and the bracket can be narrow
    start = _crossing(lambda v: wallenius_moments(pair, float(np.exp(v)))[0] - x.sum(), 1e-6)
    middle = float(np.clip(np.log(start), -LIMIT + 2, LIMIT - 2))
    best = minimize_scalar(loss, bounds=(middle - 2, middle + 2), method="bounded", options={"xatol": 1e-7})
    return float(np.exp(best.x))


def _by_normal(pair: Counts, observed: int, low: int, high: int, tail: float) -> Interval:
    from scipy.special import ndtri

    z = -float(ndtri(tail))

    def distance(log_odds: float) -> float:
        mean, variance = wallenius_moments(pair, float(np.exp(log_odds)))
        return (mean - observed) / np.sqrt(max(variance, 1e-12))

    value = 0.0 if observed == low else np.inf if observed == high else _crossing(distance)
    low_limit = 0.0 if observed == low else _crossing(lambda v: distance(v) + z)
    high_limit = np.inf if observed == high else _crossing(lambda v: distance(v) - z)
    return Interval(value, low_limit, high_limit)


def _crossing(rising: Callable[[float], float], tolerance: float = 1e-6) -> float:
    """ω at which a function that rises with log ω crosses 0; 0 or ∞ where it does not within the search range."""
    # most odds are moderate: the narrow range first saves evaluations
    left, right = -3.0, 3.0
    if rising(left) >= 0:
        left, right = -LIMIT, left
        if rising(left) >= 0:
            return 0.0
    elif rising(right) <= 0:
        left, right = right, LIMIT
        if rising(right) <= 0:
            return np.inf
    return float(np.exp(root_between(rising, left, right, tolerance=tolerance)))


def root_between(f: Callable[[float], float], left: float, right: float, *, tolerance: float) -> float:
    """Where a continuous f that changes its sign between left and right is 0, to within the tolerance.

    Inverse quadratic interpolation where its two points promise a good one, else bisection (Chandrupatla 1997, Advances
    in Engineering Software 28:145). `scipy.optimize` has it, too, and takes longer to import than the counts of ten
    million people take.

    >>> round(root_between(lambda x: x**3 - 2, 0.0, 2.0, tolerance=1e-12), 9) == round(2 ** (1 / 3), 9)
    True
    """
    a, b = right, left
    fa, fb = f(a), f(b)
    if fa * fb > 0:
        raise ValueError(f"f has the same sign at {left} and {right}")
    c, fc = a, fa
    part = 0.5
    while True:
        x = a + part * (b - a)
        fx = f(x)
        if (fx > 0) == (fa > 0):
            c, fc = a, fa
        else:
            c, b, fc, fb = b, a, fb, fa
        a, fa = x, fx
        best, value = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        room = (tolerance / 2 + 2 * np.finfo(float).eps * abs(best)) / abs(b - a)
        if value == 0 or room > 0.5:
            return best
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        part = 0.5
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:
            part = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            part = min(max(part, room), 1 - room)


def _informative(pair: Counts) -> Counts:
    """The brackets in which both groups stand and some but not all people win."""
    total, n = pair.entrants.sum(axis=1), pair.winners.sum(axis=1)
    used = (pair.entrants > 0).all(axis=1) & (n > 0) & (n < total)
    names = tuple(name for name, keep in zip(pair.brackets, used, strict=True) if keep)
    return Counts(pair.entrants[used], pair.winners[used], pair.groups, names)


def _margins(pair: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    return pair.entrants[:, 0], pair.entrants[:, 1], pair.winners.sum(axis=1)

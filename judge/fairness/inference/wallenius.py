"""Favouring odds: how much likelier one person of a group is picked next than one of the others.

Under Wallenius' noncentral hypergeometric distribution winners are picked one after another, each remaining
member of the group with weight ω against 1 for each of the others. ω = 1 is parity. Unlike the selection-rate
ratio it does not depend on how large a part of the bracket wins, so one ω can be common to all brackets.

Against a reference with a third group in the contest the two are taken as a contest of their own, given how many of the
two win. That is an approximation: the others leave the contest at their own pace, so that number tells a little about
ω as well. It is close where few of each bracket win, and exact against all others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference.distributions import convolved
from judge.fairness.inference.roots import rising_roots, root_between
from judge.fairness.inference.settings import Interval
from judge.fairness.lots import Lots

Margins = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
#: log ω is searched between ± this.
LIMIT = 14.0
#: Above so many possible counts (summed over brackets) the distribution of the total is taken as normal.
MAX_SUPPORT = 4_000
#: Bernstein's bound for 1e-17: no further than so many counts and standard deviations from the mean is looked.
FAR_COUNTS, FAR_DEVIATIONS = 28.0, 9.0
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


def total_distribution(pair: Counts | Margins, odds: float) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities) of the first column's winners summed over brackets, under odds ω.

    Counts so far from the mean that they are rarer than 1e-17 are left out.
    """
    m1, m2, n = margins_of(pair)
    mean, variance = moments_by_bracket((m1, m2, n), odds)
    reach = FAR_COUNTS + FAR_DEVIATIONS * np.sqrt(variance)
    low = np.maximum(np.maximum(0, n - m2), np.floor(mean - reach).astype(np.int64))
    high = np.minimum(np.minimum(m1, n), np.ceil(mean + reach).astype(np.int64))
    sizes = high - low + 1
    row = np.repeat(np.arange(len(n)), sizes)
    count = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + low[row]
    pmf = np.exp(wallenius_log_pmf(count, m1[row], m2[row], n[row], odds))
    parts = np.split(pmf, np.cumsum(sizes)[:-1])
    return convolved(int(low.sum()), [part / part.sum() for part in parts])


def wallenius_moments(pair: Counts | Margins, odds: float) -> tuple[float, float]:
    """Approximate mean and variance of the total (Manly 1974; Fog 2008, eq. 27 and 28)."""
    mean, variance = moments_by_bracket(margins_of(pair), odds)
    return float(mean.sum()), float(variance.sum())


def moments_by_bracket(margins: Margins, odds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`wallenius_moments` of each bracket."""
    m1, m2, n = (np.asarray(a, float) for a in margins)

    # mean: the common time u by which n are drawn, from m1(1 − e^(-ωu)) + m2(1 − e^(-u)) = n
    def drawn(log_time: NDArray) -> NDArray:
        return -m1 * np.expm1(-odds * np.exp(log_time)) - m2 * np.expm1(-np.exp(log_time))

    at = rising_roots(lambda v: drawn(v) - n, np.full(len(n), -60.0), np.full(len(n), 30.0), tolerance=1e-13)
    mean = -m1 * np.expm1(-odds * np.exp(at))
    r1, r2 = mean * (m1 - mean), (n - mean) * (mean + m2 - n)
    total = m1 + m2
    variance = total * r1 * r2 / ((total - 1) * np.maximum(m1 * r2 + m2 * r1, 1e-300))
    return mean, np.maximum(variance, 0)


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
    the group's total; where a lot decided among people who tie, its mean over the lots. Beyond 4,000 possible counts
    both come from the normal approximation with Fog's moments.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups.
    group, reference : str
        Groups of `counts`; reference None: all others. A reference beside a third group: an approximation, see above.
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
    low, over_lots = (
        (int(pair.winners[:, 0].sum()), np.ones(1)) if pair.lots is None else pair.lots.distribution(0)
    )
    kept = over_lots >= over_lots.max() * 1e-9
    return _odds_of(
        tuple(map(tuple, pair.entrants.tolist())),
        tuple(map(tuple, pair.winners.tolist())),
        tuple(pair.decided.tolist()),
        (low + int(np.argmax(kept)), tuple(over_lots[kept].tolist())),
        confidence,
        interval,
    )


@lru_cache(maxsize=4096)
def _odds_of(
    entrants: tuple[tuple[int, int], ...],
    winners: tuple[tuple[float, float], ...],
    decided: tuple[int, ...],
    over_lots: tuple[int, tuple[float, ...]],
    confidence: float,
    interval: str,
) -> Interval:
    """`wallenius_odds` of an informative pair; of a thousand groups many have the same counts."""
    m1, m2 = np.array(entrants).T
    n = np.array(decided)
    low, high = np.maximum(0, n - m2), np.minimum(m1, n)
    won = np.array(winners)[:, 0]
    observed = float(won.sum())
    tail = (1 - confidence) / 2
    first, weights = over_lots[0], np.array(over_lots[1])
    if int((high - low + 1).sum()) > MAX_SUPPORT:
        return _by_normal((m1, m2, n), observed, int(low.sum()), int(high.sum()), tail)

    weight = 0.5 if interval == "midp" else 1.0

    def tails(log_odds: float) -> tuple[float, float]:
        start, pmf = total_distribution((m1, m2, n), float(np.exp(log_odds)))
        at = first - start + np.arange(len(weights))
        up_to = np.concatenate([[0.0], np.cumsum(pmf)])
        inside = np.where((at >= 0) & (at < len(pmf)), pmf[np.clip(at, 0, len(pmf) - 1)], 0.0)
        below = up_to[np.clip(at, 0, len(pmf))]
        above = 1 - up_to[np.clip(at + 1, 0, len(pmf))]
        return float(weights @ (below + weight * inside)), float(weights @ (above + weight * inside))

    weights /= weights.sum()
    value = (
        0.0 if observed == low.sum() else np.inf if observed == high.sum() else _likeliest((m1, m2, n), won)
    )
    low_limit = 0.0 if first == low.sum() and len(weights) == 1 else _crossing(lambda v: tails(v)[1] - tail)
    last = first + len(weights) - 1
    certain = last == high.sum() and len(weights) == 1
    high_limit = np.inf if certain else _crossing(lambda v: tail - tails(v)[0])
    return Interval(value, low_limit, high_limit)


def _likeliest(margins: Margins, x: NDArray[np.float64]) -> float:
    """Odds of the largest joint likelihood; winners by lot enter as their average, which the formula takes as it is."""
    from scipy.optimize import minimize_scalar

    m1, m2, n = margins

    def loss(log_odds: float) -> float:
        return -float(wallenius_log_pmf(x, m1, m2, n, float(np.exp(log_odds))).sum())

    # brackets weigh in by their information, so the moment estimate is close and the bracket can be narrow
    start = _crossing(lambda v: wallenius_moments(margins, float(np.exp(v)))[0] - x.sum(), 1e-6)
    middle = float(np.clip(np.log(start), -LIMIT + 2, LIMIT - 2))
    best = minimize_scalar(loss, bounds=(middle - 2, middle + 2), method="bounded", options={"xatol": 1e-7})
    return float(np.exp(best.x))


def _by_normal(margins: Margins, observed: float, low: int, high: int, tail: float) -> Interval:
    from scipy.special import ndtri

    z = -float(ndtri(tail))

    def distance(log_odds: float) -> float:
        mean, variance = wallenius_moments(margins, float(np.exp(log_odds)))
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


def _informative(pair: Counts) -> Counts:
    """The brackets in which both groups stand and some but not all people win."""
    total, n = pair.entrants.sum(axis=1), pair.decided
    used = (pair.entrants > 0).all(axis=1) & (n > 0) & (n < total)
    names = tuple(name for name, keep in zip(pair.brackets, used, strict=True) if keep)
    lots = pair.lots
    if lots is not None:
        lots = Lots(lots.certain[used], lots.tied[used], lots.drawn[used])
    # of the pair's lots, which fit its places; averages over a third group as well need not
    winners = pair.winners[used] if lots is None else lots.expected
    return Counts(pair.entrants[used], winners, pair.groups, names, lots)


def margins_of(pair: Counts | Margins) -> Margins:
    """The group's entrants, the others' and the winners of each bracket."""
    return pair if isinstance(pair, tuple) else (pair.entrants[:, 0], pair.entrants[:, 1], pair.decided)

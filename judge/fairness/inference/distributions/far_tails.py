"""Probabilities of outcomes too rare for a convolution that is centred on what chance expects.

The terms are tilted by e^(θx) until the distribution of the total is centred on the outcome asked about (each
bracket becomes Fisher's noncentral hypergeometric with odds e^θ), convolved there, where no term is small, and
tilted back in logarithms. A probability of 1e-1733 keeps as many digits as one of .05.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.distributions.hypergeometric import (
    convolved,
    log_ratios,
    logs_around,
    open_brackets,
)

#: Odds beyond e^±200 put all winners at the end of what is possible.
MAX_LOG_ODDS = 200.0


def log_tail(
    group: ArrayLike,
    total: ArrayLike,
    winners: ArrayLike,
    observed: int,
    *,
    alternative: str = "two-sided",
    tie: float = 1e-7,
) -> float:
    """Natural log of the p-value of `stratified_exact`, for an outcome however rare.

    Parameters
    ----------
    group, total, winners : (B,) array-like of int
        The group's entrants, all entrants and winners of each bracket.
    observed : int
        The group's winners; one of the possible numbers.
    alternative : {"two-sided", "greater", "less"}
        Two-sided: all outcomes at most as likely as the observed one.
    tie : float
        Log probabilities that differ by no more count as tied.

    Returns
    -------
    float
        At most 0.

    Examples
    --------
    All 40 winners from a group of 60 among 6,000 people: C(60, 40) / C(6000, 40).

    >>> from math import comb, log
    >>> p = log_tail([60], [6000], [40], 40, alternative="greater")
    >>> abs(p - log(comb(60, 40)) + log(comb(6000, 40))) < 1e-9
    True
    """
    certain, brackets = open_brackets(group, total, winners)
    x = observed - certain
    lowest = sum(max(0, m - (n - g)) for g, n, m in brackets)
    highest = sum(min(g, m) for g, n, m in brackets)
    if not brackets or lowest == highest:
        return 0.0
    g, n, m = np.array(brackets, float).T
    mean = float((m * g / n).sum())
    upward = x > mean if alternative == "two-sided" else alternative == "greater"
    edge = highest if upward else lowest
    if alternative != "two-sided" and (x < mean) == upward:
        # the tail holds the middle of the distribution: 1 less what lies beyond it
        beyond = x - 1 if upward else x + 1
        if not lowest <= beyond <= highest:
            return 0.0
        rest = _log_sum(_from(brackets, beyond, lowest if upward else highest))
        return float(np.log1p(-np.exp(min(rest, 0.0))))
    logs = _from(brackets, x, edge)
    own = _log_sum(logs)
    if alternative != "two-sided":
        return min(own, 0.0)
    other = _other_tail(brackets, logs[0] + tie, not upward, lowest if upward else highest, mean)
    return min(float(np.logaddexp(own, other)), 0.0)


def _from(brackets: list[tuple[int, int, int]], x: int, edge: int) -> NDArray[np.float64]:
    """Log probabilities of the totals from x towards the edge, until they no longer matter."""
    low, logs = _window(brackets, _log_odds_at(brackets, x))
    i = x - low
    return logs[i:] if edge > x else logs[i::-1] if edge < x else logs[i : i + 1]


def _other_tail(
    brackets: list[tuple[int, int, int]], at_most: float, upward: bool, edge: int, mean: float
) -> float:
    """log of the sum of all outcomes on the other side of the mean that are at most as likely; −∞ for none."""
    near, far = int(np.ceil(mean) if upward else np.floor(mean)), edge
    if (near > edge) if upward else (near < edge):
        return -np.inf
    if _log_probability(brackets, near) <= at_most:
        return _log_sum(_from(brackets, near, edge))
    if _log_probability(brackets, edge) > at_most:
        return -np.inf
    # probabilities fall from near to far: bisect for the first that is rare enough, a window at a time
    while abs(far - near) > 1:
        middle = (near + far) // 2
        low, logs = _window(brackets, _log_odds_at(brackets, middle))
        rare = logs <= at_most
        outward = slice(middle - low, None) if upward else slice(middle - low, None, -1)
        inward = slice(middle - low, None, -1) if upward else slice(middle - low, None)
        step = 1 if upward else -1
        if not rare[middle - low]:
            after = np.flatnonzero(rare[outward])
            if len(after):
                far = middle + step * int(after[0])
                break
            near = middle + step * (len(rare[outward]) - 1)
        else:
            before = np.flatnonzero(~rare[inward])
            if len(before):
                far = middle - step * (int(before[0]) - 1)
                break
            far = middle - step * (len(rare[inward]) - 1)
    return _log_sum(_from(brackets, far, edge))


def _log_probability(brackets: list[tuple[int, int, int]], x: int) -> float:
    low, logs = _window(brackets, _log_odds_at(brackets, x))
    return float(logs[x - low])


def _window(brackets: list[tuple[int, int, int]], log_odds: float) -> tuple[int, NDArray[np.float64]]:
    """(smallest total, log probabilities under chance) around the mean that these odds would give."""
    low, parts, log_mass = 0, [], 0.0
    for (g, n, m), centre in zip(brackets, np.rint(_means(brackets, log_odds)).astype(int), strict=True):
        centre = int(np.clip(centre, max(0, m - (n - g)), min(g, m)))
        start, logs = logs_around(g, n, m, centre, log_odds)
        terms = np.exp(logs)
        largest = start + int(np.argmax(logs))
        # log of Σ P(x) e^(θx): the largest term's own probability and tilt, times the sum in units of it
        log_mass += _log_pmf(g, n, m, largest) + log_odds * largest + np.log(terms.sum())
        low += start
        parts.append(terms / terms.sum())
    low, pmf = convolved(low, parts)
    return low, np.log(pmf) + log_mass - log_odds * (low + np.arange(len(pmf)))


def _log_pmf(g: int, n: int, m: int, x: int) -> float:
    """Hypergeometric log probability, summed from the mode in neighbouring ratios: no digits lost for large counts."""
    mode = min(max(int((m + 1) * (g + 1) // (n + 2)), max(0, m - (n - g))), min(g, m))
    start, logs = logs_around(g, n, m, mode, 0.0)
    at_mode = logs[mode - start] - np.log(np.exp(logs).sum())
    between = np.arange(min(mode, x), max(mode, x), dtype=float)
    return float(at_mode + (1 if x > mode else -1) * log_ratios(g, n, m, between).sum())


def _means(brackets: list[tuple[int, int, int]], log_odds: float) -> NDArray[np.float64]:
    """Approximate means under Fisher's odds ω: the root of μ(N − g − m + μ) = ω(g − μ)(m − μ)."""
    g, n, m = np.array(brackets, float).T
    if abs(log_odds) < 1e-9:
        return m * g / n
    # divided by ω where that is large, so that nothing overflows
    w = np.exp(-abs(log_odds))
    one, other = (w, 1.0) if log_odds > 0 else (1.0, w)
    a, b, c = one - other, one * (n - g - m) + other * (g + m), -other * g * m
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))
    # the form without cancellation, whatever the sign of b
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, -2 * c / (b + root), (-b + root) / (2 * a))


def _log_odds_at(brackets: list[tuple[int, int, int]], x: float) -> float:
    """θ at which the mean total is about x."""
    low, high = -MAX_LOG_ODDS, MAX_LOG_ODDS
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _means(brackets, middle).sum() < x else (low, middle)
    return (low + high) / 2


def _log_sum(logs: NDArray[np.float64]) -> float:
    top = logs.max()
    return float(top + np.log(np.exp(logs - top).sum()))

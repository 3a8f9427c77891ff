"""The probability that a random member of one group outranks a random member of another, ties counted half."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.intervals import wilson


class Outranking(NamedTuple):
    """Probability (½ is parity), its interval, and the p-value of the stratified Mann–Whitney test."""

    value: float
    low: float
    high: float
    p_value: float


def outrank_probability(
    score: ArrayLike,
    *,
    sensitive_feature: ArrayLike,
    group: str,
    reference: str | None = None,
    bracket: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Outranking:
    """P(a member of `group` scores above one of `reference`) + ½ P(tie), within brackets.

    The Mann–Whitney statistic divided by its number of pairs: the area under the ROC curve. With brackets only
    pairs within one bracket count.

    Parameters
    ----------
    score : (n,) array-like of float
        Finite; higher is better.
    sensitive_feature : (n,) array-like
        Groups, taken as text.
    group, reference : str
        Groups; reference None: all others.
    bracket : (n,) array-like, optional
        None: one bracket.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Outranking
        value (½ is parity), low, high, p_value; NaN where one side is empty.

    References
    ----------
    Mann & Whitney (1947), Ann. Math. Stat. 18:50; interval: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837.

    Examples
    --------
    5 against 3 and 5: one win and one tie in two pairs.

    >>> outrank_probability([5, 3, 5], sensitive_feature=["a", "b", "b"], group="a").value
    0.75
    """
    score = np.asarray(score, float)
    names = pd.Series(sensitive_feature).astype(str).to_numpy()
    code = np.zeros(len(score), np.int64) if bracket is None else pd.factorize(pd.Series(bracket))[0]
    member = names == group
    others = ~member if reference is None else names == reference
    order = np.lexsort((score, code))
    return outrank_of_sorted(score[order], code[order], member[order], others[order], confidence=confidence)


def outrank_of_sorted(
    score: NDArray, bracket: NDArray, member: NDArray, others: NDArray, *, confidence: float = 0.95
) -> Outranking:
    """The same for people sorted by bracket and then by rising score; member and others are masks.

    Interval: variance of DeLong, DeLong & Clarke-Pearson (1988) within brackets, on the logit scale; where all
    pairs point one way that variance is 0 and Wilson's interval for the smaller group's size stands in.
    p-value: normal approximation with the variance under no difference, ties and continuity corrected.
    """
    from scipy.special import expit, logit, ndtr, ndtri

    edges = np.searchsorted(bracket, np.arange(int(bracket.max(initial=-1)) + 2))
    sums = []  # wins, pairs, null variance and the placements' squared deviations, a bracket
    sides: list[tuple[NDArray, NDArray, int, int]] = []
    for left, right in itertools.pairwise(edges.tolist()):
        part = score[left:right]
        a, b = part[member[left:right]], part[others[left:right]]
        if len(a) == 0 or len(b) == 0:
            continue
        below = (np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")) / 2
        above = len(a) - (np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")) / 2
        sums.append((below.sum(), len(a) * len(b), _null_variance(a, b)))
        sides.append((_moments(below / len(b)), _moments(above / len(a)), len(a), len(b)))
    if not sums:
        return Outranking(np.nan, np.nan, np.nan, np.nan)
    wins, pairs, null = (float(sum(column)) for column in zip(*sums, strict=True))
    value = wins / pairs
    excess = max(abs(wins - pairs / 2) - 0.5, 0.0)
    p_value = 1.0 if null <= 0 else float(min(2 * ndtr(-excess / np.sqrt(null)), 1.0))
    variance = 0.0
    for v10, v01, n_a, n_b in sides:
        weight = n_a * n_b / pairs
        variance += weight**2 * (_spread(v10, n_a, value) / n_a + _spread(v01, n_b, value) / n_b)
    if variance <= 1e-30 or not 0 < value < 1:
        smaller = min(sum(side[2] for side in sides), sum(side[3] for side in sides))
        low, high = wilson(value * smaller, smaller, confidence)
        return Outranking(value, float(low), float(high), p_value)
    half = ndtri((1 + confidence) / 2) * np.sqrt(variance) / (value * (1 - value))
    return Outranking(value, float(expit(logit(value) - half)), float(expit(logit(value) + half)), p_value)


def _moments(placements: NDArray) -> NDArray:
    return np.array([placements.mean(), placements.var()])


def _spread(moments: NDArray, n: int, overall: float) -> float:
    """Sample variance of placements; a single one is measured from the overall value."""
    mean, variance = moments
    return float(variance * n / (n - 1)) if n > 1 else float((mean - overall) ** 2)


def _null_variance(a: NDArray, b: NDArray) -> float:
    """Variance of the Mann–Whitney count under no difference, given the ties."""
    both = np.concatenate([a, b])
    both.sort()
    n = len(both)
    runs = np.diff(np.flatnonzero(np.concatenate([[True], both[1:] != both[:-1], [True]]))).astype(float)
    ties = float((runs**3 - runs).sum())
    return len(a) * len(b) / 12 * ((n + 1) - ties / (n * (n - 1)))

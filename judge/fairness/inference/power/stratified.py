"""Power of the exact test within brackets, for given favouring odds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from judge.fairness.counts import Counts
from judge.fairness.inference.distributions import exact_distribution
from judge.fairness.inference.exact_tests import Alternative, p_values
from judge.fairness.inference.wallenius import (
    MAX_SUPPORT,
    Margins,
    margins_of,
    moments_by_bracket,
    total_distribution,
)


def stratified_power(
    counts: Counts,
    group: str,
    odds: float | Sequence[float],
    *,
    reference: str | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> NDArray[np.float64]:
    """Power of `stratified_exact` in a contest with these entrants and winners a bracket, for true odds ω.

    Exact: the probability under Wallenius' distribution of all outcomes whose p-value is at most alpha. Where more than
    4,000 counts are possible the outcomes are excluded exactly and their probability is the normal approximation.

    Parameters
    ----------
    counts : Counts
        Entrants by bracket and group; of the winners only their number in each bracket matters.
    group, reference : str
        Groups of `counts`; reference None: all others.
    odds : float or sequence of float
        True favouring odds, above 0; 1 is parity.
    alpha : float
        Level of the test, in (0, 1).
    alternative : {"two-sided", "greater", "less"}
        As in `stratified_exact`.

    Returns
    -------
    (len(odds),) float
        In [0, 1].

    Examples
    --------
    At odds of 1 the power is the size of the test, which an exact test keeps below its level:

    >>> from judge.fairness.counts import Counts
    >>> counts = Counts([[40, 160]], [[0, 15]], ("few", "many"))
    >>> size, power = stratified_power(counts, "few", [1.0, 0.2])
    >>> bool(size <= 0.05 < power)
    True
    """
    accepted, margins = accepted_outcomes(counts.against(group, reference), alpha, alternative)
    return np.array(
        [max(1 - between(accepted, margins, float(w)), 0.0) for w in np.atleast_1d(np.asarray(odds, float))]
    )


def accepted_outcomes(
    pair: Counts | Margins, alpha: float, alternative: Alternative
) -> tuple[tuple[int, int], Margins]:
    """The first and last number of winners of the first column with p > alpha, and the margins of the pair."""
    m1, m2, n = margins_of(pair)
    low, pmf = exact_distribution(m1, m1 + m2, n)
    accepted = np.flatnonzero(p_values(pmf, alternative) > alpha)
    return (low + int(accepted[0]), low + int(accepted[-1])), (m1, m2, n)


def between(outcomes: tuple[int, int], margins: Margins, odds: float) -> float:
    """Probability of the outcomes from the first to the last under odds ω."""
    m1, _, n = margins
    mean, variance = moments_by_bracket(margins, odds)
    if np.minimum(np.minimum(m1, n), 20 * np.sqrt(variance) + 56).sum() <= MAX_SUPPORT:
        start, under = total_distribution(margins, odds)
        first, last = (at - start for at in outcomes)
        return float(under[max(first, 0) : max(last + 1, 0)].sum())
    from scipy.special import ndtr

    total, deviation = float(mean.sum()), float(np.sqrt(variance.sum()))
    first, last = outcomes
    return float(ndtr((last + 0.5 - total) / deviation) - ndtr((first - 0.5 - total) / deviation))

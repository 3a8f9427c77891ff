"""What so few winners can show: power, the smallest ratio that would be seen, and the winners needed.

With a selection-rate ratio ρ between a group (share s of the entrants) and the others, the group's expected share
of the winners is s·ρ / (s·ρ + 1 − s). The binomial functions are for contests whose entrants are known by shares only,
and are about a one-sided binomial test. `stratified_power` is about the test within brackets that an audit reports;
`contest_power` has it in terms of selection-rate ratios.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
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


def share_of_winners(share: ArrayLike, ratio: ArrayLike) -> NDArray[np.float64]:
    """Expected winner share of a group with this entrant share and selection-rate ratio to the others.

    Parameters
    ----------
    share : array-like of float
        The group's share of the entrants, in (0, 1).
    ratio : array-like of float
        Selection-rate ratio to all others, at least 0; 1 leaves the share as it is.

    Returns
    -------
    float array
        s·ρ / (s·ρ + 1 − s).

    Examples
    --------
    >>> float(share_of_winners(0.5, 3.0))
    0.75
    """
    weighted = np.asarray(share, float) * np.asarray(ratio, float)
    return weighted / (weighted + 1 - np.asarray(share, float))


def binomial_power(
    n_winners: ArrayLike, share: float, ratio: float, *, alpha: float = 0.05
) -> NDArray[np.float64]:
    """Power of the one-sided exact binomial test of a group's winners, towards the side of `ratio`.

    Parameters
    ----------
    n_winners : array-like of int
        All winners of the contest, any shape.
    share : float
        The group's share of the entrants, in (0, 1).
    ratio : float
        True selection-rate ratio to the others, at least 0; below 1 the test looks for too few winners, above 1 for
        too many.
    alpha : float
        Level of the test, in (0, 1).

    Returns
    -------
    float array
        In [0, 1], of the shape of `n_winners`.

    Raises
    ------
    InputError
        For a share, ratio or level outside its range.

    Examples
    --------
    44 winners, a quarter of the entrants, half as often selected: seen 39 times of 100.

    >>> round(float(binomial_power(44, 0.25, 0.5)), 2)
    0.39
    """
    from scipy.special import bdtrik

    _check(share, alpha)
    if ratio < 0:
        raise InputError(f"a selection-rate ratio is at least 0, not {ratio}")
    n = np.asarray(n_winners)
    true_share = share_of_winners(share, ratio)
    # towards too few for the group itself, or (above 1) for the others
    if ratio > 1:
        return binomial_power(n, 1 - share, 1 / ratio, alpha=alpha)
    # the largest count with P(X ≤ count) ≤ alpha; the inverse is exact up to rounding, hence the two corrections
    critical = np.floor(bdtrik(alpha, n, share))
    critical = np.where(np.isnan(critical), -1.0, critical)
    critical = np.where(_at_most(critical + 1, n, share) <= alpha, critical + 1, critical)
    critical = np.where(_at_most(critical, n, share) > alpha, critical - 1, critical)
    return _at_most(critical, n, true_share)


def _at_most(count: NDArray, n: NDArray, share: float | NDArray) -> NDArray[np.float64]:
    """P(X ≤ count) of a binomial count; 0 below 0."""
    from scipy.special import bdtr

    return np.where(count < 0, 0.0, bdtr(np.maximum(count, 0), n, share))


def winners_needed(
    share: float,
    ratio: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    step: int = 5,
    most: int = 1_000_000,
) -> float:
    """Smallest number of winners (a multiple of `step`) from which on the binomial power stays at `power`.

    Power is a saw-tooth in the number of winners; "stays" looks as far as twice the number found.

    Parameters
    ----------
    share, ratio, alpha : float
        As in `binomial_power`.
    power : float
        Wanted power, in (0, 1).
    step, most : int
        Grid of numbers that are tried, and the largest of them.

    Returns
    -------
    float
        NaN where `most` winners are not enough (ratio 1, or a very rare group).

    Examples
    --------
    >>> winners_needed(0.25, 0.5), winners_needed(0.25, 0.8)
    (95.0, 735.0)
    """
    if ratio == 1:
        return np.nan
    top = 64 * step
    while top <= 2 * most:
        n = np.arange(step, top + 1, step)
        enough = binomial_power(n, share, ratio, alpha=alpha) >= power
        short = np.flatnonzero(~enough)
        first = 0 if len(short) == 0 else int(short[-1]) + 1
        if first < len(n) and n[first] * 2 <= top:
            return float(n[first])
        top *= 4
    return np.nan


def smallest_detectable_ratio(
    n_winners: int, share: float, *, power: float = 0.8, alpha: float = 0.05, favoured: bool = False
) -> float:
    """The ratio nearest to 1 that the one-sided binomial test finds with this power.

    Parameters
    ----------
    n_winners : int
        All winners of the contest.
    share, alpha : float
        As in `binomial_power`.
    power : float
        Wanted power, in (0, 1).
    favoured : bool
        Look above 1 instead of below.

    Returns
    -------
    float
        NaN where even a ratio of 0 (or 10⁶) would not be found.

    Examples
    --------
    Of 44 winners, for a quarter of the entrants:

    >>> round(smallest_detectable_ratio(44, 0.25), 2)
    0.3
    """
    low, high = (np.log(1e-6), 0.0) if not favoured else (0.0, np.log(1e6))
    far = low if not favoured else high
    if binomial_power(n_winners, share, float(np.exp(far)), alpha=alpha) < power:
        return np.nan
    for _ in range(50):
        middle = (low + high) / 2
        seen = binomial_power(n_winners, share, float(np.exp(middle)), alpha=alpha) >= power
        if seen != favoured:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def smallest_significant_share(winners: int, n_winners: int, *, alpha: float = 0.05) -> float:
    """Entrant share from which on so few winners of a group are significant, one-sided binomial.

    Parameters
    ----------
    winners : int
        Winners of the group, 0 to n_winners − 1.
    n_winners : int
        All winners of the contest.
    alpha : float
        Level of the test, in (0, 1).

    Returns
    -------
    float
        The s with P(X ≤ winners | n_winners, s) = alpha.

    Raises
    ------
    InputError
        For winners outside their range.

    Examples
    --------
    One winner of 44 is significantly few for a group of at least 10.3 % of the entrants:

    >>> round(smallest_significant_share(1, 44), 4)
    0.1033
    """
    from scipy.special import betaincinv

    if not 0 <= winners < n_winners:
        raise InputError(f"winners of the group are 0 to {n_winners - 1}, not {winners}")
    return float(betaincinv(winners + 1, n_winners - winners, 1 - alpha))


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


def _check(share: float, alpha: float) -> None:
    if not 0 < share < 1:
        raise InputError(f"an entrant share lies between 0 and 1, not {share}")
    if not 0 < alpha < 1:
        raise InputError(f"alpha lies between 0 and 1, not {alpha}")

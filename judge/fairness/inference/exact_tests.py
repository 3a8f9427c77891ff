"""Exact tests on winners: within brackets by convolution, by permutation of counts, against given shares.

Given the entrants of each bracket and its number of winners, chance selection makes the number of winners of
a group hypergeometric in each bracket, independently. Its sum over brackets is the statistic of
`stratified_exact`; in one bracket this is Fisher's exact test.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.fairness.counts import Counts
from judge.fairness.inference.distributions import exact_distribution, log_tail

Alternative = Literal["two-sided", "greater", "less"]
ALTERNATIVES = ("two-sided", "greater", "less")
#: Outcomes whose probability ties with the observed one up to this factor count as equally extreme (as scipy).
TIE = 1 + 1e-7
#: p-values are never 0: below the smallest float of full precision this one stands for them.
SMALLEST = float(np.finfo(float).tiny)
#: Outcomes this much rarer than the likeliest are summed around themselves (far_tails): the convolution has cut off too
#: much of what is as rare.
RARE = 1e-20
#: Lots drawn for the permutation test of all groups at once.
N_LOTS = 2_000


class ExactTest(NamedTuple):
    """A p-value of `stratified_test`.

    p      in (0, 1]; the smallest float there is (2.2e-308) where p lies below it: then log10_p holds it
    log10_p
    low, high   the middle 95 % of p over the lots that decide among people who tie; p itself without lots
    """

    p: float
    log10_p: float
    low: float
    high: float


def tail_probability(
    observed: int, low: int, pmf: NDArray[np.float64], alternative: Alternative = "two-sided"
) -> float:
    """p-value of an observed count under a distribution given by `low` and `pmf`.

    Two-sided: the probability of all outcomes at most as likely as the observed one (Fisher's rule).
    """
    _check_alternative(alternative)
    i = observed - low
    if alternative == "greater":
        p = pmf[max(i, 0) :].sum()
    elif alternative == "less":
        p = pmf[: max(i + 1, 0)].sum()
    else:
        at = pmf[i] if 0 <= i < len(pmf) else 0.0
        p = pmf[pmf <= at * TIE].sum()
    return float(min(max(p, SMALLEST), 1.0))


def stratified_exact(
    counts: Counts, group: str, *, reference: str | None = None, alternative: Alternative = "two-sided"
) -> float:
    """Exact p-value of a group's winners against the reference's, within brackets.

    The conditional test of chance selection within brackets: Fisher's exact test with several strata.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups. With lots: p is the mean over the lots.
    group, reference : str
        Groups of `counts`; reference None: all others.
    alternative : {"two-sided", "greater", "less"}
        "greater": more winners than chance gives the group. Two-sided: all outcomes at most as likely as this one.

    Returns
    -------
    float
        In (0, 1]; 1 where no other outcome was possible (nobody wins, or one group only). p below the smallest float
        (2.2e-308) is that float; `stratified_test` has its logarithm.

    Raises
    ------
    InputError
        For a group that is not there or an unknown alternative.

    References
    ----------
    Gart (1970), Biometrika 57:471; in one bracket Fisher (1935).

    Examples
    --------
    The group's one entrant wins 1 place of 2 people in the first bracket and 1 of 3 in the second: ½ · ⅓.

    >>> from judge.fairness.counts import Counts
    >>> counts = Counts([[1, 1], [1, 2]], [[1, 0], [1, 0]], ("group", "others"), ("one", "two"))
    >>> round(stratified_exact(counts, "group", alternative="greater"), 4)
    0.1667
    """
    return stratified_test(counts, group, reference=reference, alternative=alternative).p


def stratified_test(
    counts: Counts, group: str, *, reference: str | None = None, alternative: Alternative = "two-sided"
) -> ExactTest:
    """`stratified_exact` with the logarithm of p, however small, and its range over lots.

    Where a lot decided among people who tie, another lot would have given another p. The mean over all lots is told:
    over the group's winners by lot, which are hypergeometric in each bracket. It is at most .05 no oftener than in
    5 % of contests without an effect by simulation (fairness_calibration), but not by proof: a mean of p-values is
    only known to be at most α in at most 2α of them (Rüschendorf 1982).

    Parameters
    ----------
    counts, group, reference, alternative
        As in `stratified_exact`.

    Returns
    -------
    ExactTest
        p, log10_p, low, high.

    Raises
    ------
    InputError
        For a group that is not there or an unknown alternative.

    References
    ----------
    Gart (1970), Biometrika 57:471; Rüschendorf (1982), Stochastics 8:55, for means of p-values.

    Examples
    --------
    20,000 people of either group, 4,656 winners against 3,344:

    >>> from judge.fairness.counts import Counts
    >>> test = stratified_test(Counts([[20_000, 20_000]], [[4656, 3344]], ("a", "b")), "a")
    >>> round(test.log10_p, 3)
    -59.843

    One place for two who tie, one of each group: either lot gives p = 1.

    >>> from judge.fairness.lots import Lots
    >>> stratified_test(Counts.with_lots([[1, 1]], Lots([[0, 0]], [[1, 1]], [1]), ("a", "b")), "a").p
    1.0
    """
    _check_alternative(alternative)
    logs, weights = [], []
    for weight, pair in counts.pairs(group, reference):
        if pair.lots is None:
            start, over_lots = int(pair.winners[:, 0].sum()), np.ones(1)
        else:
            start, over_lots = pair.lots.distribution(0)
        used = np.flatnonzero(over_lots >= over_lots.max() * 1e-12)
        logs.append(_log_p_values(pair, start + used, alternative))
        weights.append(weight * over_lots[used])
    log_p, mass = np.concatenate(logs), np.concatenate(weights)
    order = np.argsort(log_p)
    log_p, mass = log_p[order], mass[order] / mass.sum()
    log_mean = min(float(np.log((np.exp(log_p - log_p[-1]) * mass).sum()) + log_p[-1]), 0.0)
    reached = np.cumsum(mass)
    low, high = (float(log_p[min(int(np.searchsorted(reached, q)), len(log_p) - 1)]) for q in (0.025, 0.975))
    return ExactTest(_p(log_mean), float(log_mean / np.log(10)), _p(low), _p(high))


def _log_p_values(pair: Counts, observed: NDArray[np.int64], alternative: Alternative) -> NDArray[np.float64]:
    """log of the p-value of each of some numbers of winners of the first column."""
    margins = pair.entrants[:, 0], pair.entrants.sum(axis=1), pair.decided
    low, pmf = exact_distribution(*margins)
    at = observed - low
    known = (at >= 0) & (at < len(pmf))
    # what was cut off far from the mode matters where the outcome is nearly as far
    known[known] = pmf[at[known]] > RARE * pmf.max()
    result = np.empty(len(observed))
    if known.any():
        result[known] = np.log(p_values(pmf, alternative)[at[known]])
    for i in np.flatnonzero(~known):
        result[i] = log_tail(*margins, int(observed[i]), alternative=alternative)
    return np.minimum(result, 0.0)


def p_values(pmf: NDArray[np.float64], alternative: Alternative = "two-sided") -> NDArray[np.float64]:
    """The p-value of every possible outcome of a discrete distribution, in the order of the outcomes."""
    if alternative == "greater":
        return np.minimum(np.cumsum(pmf[::-1])[::-1], 1.0)
    if alternative == "less":
        return np.minimum(np.cumsum(pmf), 1.0)
    order = np.argsort(pmf)
    sums = np.cumsum(pmf[order])
    last = np.searchsorted(pmf[order], pmf * TIE, side="right") - 1
    return np.minimum(sums[last], 1.0)


def _p(log_p: float) -> float:
    return max(float(np.exp(log_p)), SMALLEST)


def _check_alternative(alternative: str) -> None:
    if alternative not in ALTERNATIVES:
        raise InputError(f"alternative is one of {listed(ALTERNATIVES)}, not {alternative!r}")


def expected_winners(counts: Counts) -> NDArray[np.float64]:
    """Winners of each group that chance selection within brackets would give on average.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups (B, G).

    Returns
    -------
    (G,) float
        They sum to all winners.

    Examples
    --------
    >>> from judge.fairness.counts import Counts
    >>> expected_winners(Counts([[30, 10]], [[1, 3]], ("a", "b"))).tolist()
    [3.0, 1.0]
    """
    total = counts.entrants.sum(axis=1, keepdims=True)
    share = counts.entrants / np.maximum(total, 1)
    return (share * counts.decided[:, None]).sum(axis=0)


class PermutationTest(NamedTuple):
    """What `permutation_test` gives; low and high: the middle 95 % of p over lots, p itself without lots."""

    statistic: float
    p: float
    low: float
    high: float


def permutation(
    counts: Counts, *, n_permutations: int = 10_000, rng: np.random.Generator | int = 0
) -> tuple[float, float]:
    """Permutation test of all groups at once, within brackets.

    Shuffling who wins within a bracket only matters through each group's number of winners, which is
    multivariate hypergeometric: the counts are drawn, nobody is shuffled.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups. With lots: statistic and p are means over 2,000 lots.
    n_permutations : int
        At least 1. The observed table counts as one more, so p is never 0.
    rng : numpy.random.Generator or int
        Draws the permutations.

    Returns
    -------
    statistic : float
        Σ (winners − expected)² / expected over groups; 0 where each group has what chance gives on average.
    p : float
        In (0, 1].

    Raises
    ------
    InputError
        For fewer than one permutation.

    References
    ----------
    Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9:39, eq. 2, for counting the observed table.

    Examples
    --------
    Two winners of four people, two in each group, expected one each: (2 − 1)²/1 + (0 − 1)²/1.

    >>> from judge.fairness.counts import Counts
    >>> permutation(Counts([[2, 2]], [[2, 0]], ("a", "b")), n_permutations=99)[0]
    2.0
    """
    test = permutation_test(counts, n_permutations=n_permutations, rng=rng)
    return test.statistic, test.p


def permutation_test(
    counts: Counts, *, n_permutations: int = 10_000, rng: np.random.Generator | int = 0
) -> PermutationTest:
    """`permutation` with the range of p over the lots that decide among people who tie.

    Parameters
    ----------
    counts, n_permutations, rng
        As in `permutation`.

    Returns
    -------
    PermutationTest
        statistic, p, low, high.

    Raises
    ------
    InputError
        For fewer than one permutation.

    Examples
    --------
    >>> from judge.fairness.counts import Counts
    >>> test = permutation_test(Counts([[2, 2]], [[2, 0]], ("a", "b")), n_permutations=99)
    >>> test.low == test.p == test.high
    True
    """
    if n_permutations < 1:
        raise InputError(f"n_permutations is at least 1, not {n_permutations}")
    expected = expected_winners(counts)
    used = expected > 0
    rng = np.random.default_rng(rng)
    drawn = np.zeros((n_permutations, int(used.sum())), dtype=np.int64)
    for entrants, m in zip(counts.entrants[:, used], counts.decided, strict=True):
        if 0 < m < entrants.sum():
            drawn += rng.multivariate_hypergeometric(
                entrants, int(m), size=n_permutations, method="marginals"
            )
        elif m:
            drawn += entrants

    def distance(winners: NDArray) -> NDArray:
        return ((winners - expected[used]) ** 2 / expected[used]).sum(axis=-1)

    # what chance gives does not depend on the lots: the same draws serve for each of them
    won = (
        counts.winners.sum(axis=0)[None]
        if counts.lots is None
        else counts.lots.draws(N_LOTS, rng).sum(axis=1)
    )
    statistic = distance(won[:, used])
    by_chance = np.sort(distance(drawn))
    least = statistic * (1 - 1e-9) - 1e-12
    p = (n_permutations - np.searchsorted(by_chance, least) + 1) / (n_permutations + 1)
    low, high = np.quantile(p, [0.025, 0.975])
    return PermutationTest(float(statistic.mean()), float(p.mean()), float(low), float(high))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment of p-values for their number.

    Parameters
    ----------
    p_values : (m,) array-like of float
        In [0, 1]; NaN stays NaN and does not count as a test.

    Returns
    -------
    (m,) float
        Adjusted p-values, at most 1.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6:65.

    Examples
    --------
    The smallest of three is multiplied by 3, the next by 2; none falls below the one before it:

    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    adjusted = np.full_like(p, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted

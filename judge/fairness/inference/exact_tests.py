"""Exact tests on winners: within brackets by convolution, by permutation of counts, against given shares.

Given the entrants of each bracket and its number of winners, chance selection makes the number of winners of
a group hypergeometric in each bracket, independently. Its sum over brackets is the statistic of
`stratified_exact`; in one bracket this is Fisher's exact test.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.fairness.metrics.selection import Counts

Alternative = Literal["two-sided", "greater", "less"]
ALTERNATIVES = ("two-sided", "greater", "less")
#: Outcomes whose probability ties with the observed one up to this factor count as equally extreme (as scipy).
TIE = 1 + 1e-7
#: Log probabilities further below the mode than this (1e-130) are cut off before convolving; where the counts
#: spread over hundreds, already at 1e-35, for speed.
CUT, CUT_WIDE = 300.0, 80.0
WIDE = 20.0
#: Most outcomes that multinomial_exact enumerates.
MAX_OUTCOMES = 20_000_000


def hypergeometric_pmf(group: int, total: int, winners: int) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities from there) of a group's winners among `winners` of `total` people.

    Built outward from the mode by the ratio of neighbouring terms, which keeps the relative precision of
    the tails (log-gamma would lose eight digits for ten million people); the rarest terms are left out (CUT).
    """
    low, high = max(0, winners - (total - group)), min(group, winners)
    mode = int((winners + 1) * (group + 1) // (total + 2))
    mode = min(max(mode, low), high)
    # no more than this far from the mode, in standard deviations and in counts, are terms above the cut
    spread = np.sqrt(max(winners * (group / total) * (1 - group / total) if total else 0.0, 1.0))
    cut = CUT if spread < WIDE else CUT_WIDE
    reach = int(cut + np.sqrt(2.5 * cut) * spread)
    low, high = max(low, mode - reach), min(high, mode + reach)
    up = np.arange(mode, high, dtype=float)
    rising = np.log((group - up) * (winners - up)) - np.log((up + 1) * (total - group - winners + up + 1))
    down = np.arange(mode, low, -1, dtype=float)
    falling = np.log(down * (total - group - winners + down)) - np.log(
        (group - down + 1) * (winners - down + 1)
    )
    logs = np.concatenate([np.cumsum(falling)[::-1], [0.0], np.cumsum(rising)])
    kept = np.flatnonzero(logs >= -cut)
    pmf = np.exp(logs[kept[0] : kept[-1] + 1])
    return low + int(kept[0]), pmf / pmf.sum()


def exact_distribution(
    group: ArrayLike, total: ArrayLike, winners: ArrayLike
) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, probabilities) of a group's winners summed over brackets, under chance selection.

    group, total, winners   the group's entrants, all entrants and winners of each bracket, integers (B,)

    Direct convolution, no Fourier transform: all terms are positive, so tails keep their relative precision.
    """
    parts = []
    low = 0
    for g, n, m in zip(*(np.asarray(a).tolist() for a in (group, total, winners)), strict=True):
        if m == 0 or g == 0:
            continue
        if g == n or m == n:  # everybody is of the group, or everybody wins
            low += min(g, m)
            continue
        start, pmf = hypergeometric_pmf(g, n, m)
        low += start
        parts.append(pmf)
    return convolved(low, parts)


def convolved(low: int, parts: list[NDArray[np.float64]]) -> tuple[int, NDArray[np.float64]]:
    """Distribution of a sum of independent counts, its far tails cut off (CUT)."""
    pmf = np.ones(1)
    for part in sorted(parts, key=len):
        pmf = np.convolve(pmf, part)
        kept = np.flatnonzero(pmf >= pmf.max() * np.exp(-(CUT if len(pmf) < 20_000 else CUT_WIDE)))
        low += int(kept[0])
        pmf = pmf[kept[0] : kept[-1] + 1]
    return low, pmf


def tail_probability(
    observed: int, low: int, pmf: NDArray[np.float64], alternative: Alternative = "two-sided"
) -> float:
    """p-value of an observed count under a distribution given by `low` and `pmf`.

    Two-sided: the probability of all outcomes at most as likely as the observed one (Fisher's rule).
    """
    if alternative not in ALTERNATIVES:
        raise InputError(f"alternative is one of {listed(ALTERNATIVES)}, not {alternative!r}")
    i = observed - low
    if alternative == "greater":
        p = pmf[max(i, 0) :].sum()
    elif alternative == "less":
        p = pmf[: max(i + 1, 0)].sum()
    else:
        at = pmf[i] if 0 <= i < len(pmf) else 0.0
        p = pmf[pmf <= at * TIE].sum()
    # beyond what was cut off: not 0, but no more than the rarest outcome kept
    return float(min(p if p > 0 else pmf.min(), 1.0))


def stratified_exact(
    counts: Counts, group: str, *, reference: str | None = None, alternative: Alternative = "two-sided"
) -> float:
    """Exact p-value of a group's winners against the reference's (None: all others'), within brackets.

    The conditional test of chance selection within brackets: Fisher's exact test with several strata.
    1.0 where no other outcome was possible (nobody wins, or one group only).
    """
    pair = counts.against(group, reference)
    low, pmf = exact_distribution(pair.entrants[:, 0], pair.entrants.sum(axis=1), pair.winners.sum(axis=1))
    return tail_probability(int(pair.winners[:, 0].sum()), low, pmf, alternative)


def expected_winners(counts: Counts) -> NDArray[np.float64]:
    """Winners of each group that chance selection within brackets would give on average, shape (G,)."""
    total = counts.entrants.sum(axis=1, keepdims=True)
    share = counts.entrants / np.maximum(total, 1)
    return (share * counts.winners.sum(axis=1, keepdims=True)).sum(axis=0)


def permutation(counts: Counts, *, n_permutations: int = 10_000, seed: int = 0) -> tuple[float, float]:
    """(statistic, p-value) of all groups at once: Σ (winners − expected)² / expected, within brackets.

    Shuffling who wins within a bracket only matters through each group's number of winners, which is
    multivariate hypergeometric: the counts are drawn, nobody is shuffled. The observed table counts as one of
    the permutations, so p is never 0.
    """
    if n_permutations < 1:
        raise InputError(f"n_permutations is at least 1, not {n_permutations}")
    expected = expected_winners(counts)
    used = expected > 0
    rng = np.random.default_rng(seed)
    drawn = np.zeros((n_permutations, int(used.sum())), dtype=np.int64)
    for entrants, m in zip(counts.entrants[:, used], counts.winners.sum(axis=1), strict=True):
        if 0 < m < entrants.sum():
            drawn += rng.multivariate_hypergeometric(
                entrants, int(m), size=n_permutations, method="marginals"
            )
        elif m:
            drawn += entrants
    observed = counts.winners.sum(axis=0)[used]

    def distance(winners: NDArray) -> NDArray:
        return ((winners - expected[used]) ** 2 / expected[used]).sum(axis=-1)

    statistic = float(distance(observed))
    hits = int((distance(drawn) >= statistic * (1 - 1e-9) - 1e-12).sum())
    return statistic, (hits + 1) / (n_permutations + 1)


def multinomial_exact(
    winners: ArrayLike, shares: ArrayLike, *, n_draws: int = 200_000, seed: int = 0
) -> float:
    """Exact p-value of winners by group against the entrants' shares, where only shares are known.

    The probability of all outcomes at most as likely as the observed one, by full enumeration. Above
    MAX_OUTCOMES outcomes it is estimated from `n_draws` multinomial draws, the observed one included.

    winners   (G,) integers ≥ 0         shares   (G,) ≥ 0, summing to 1
    """
    from scipy.special import gammaln, xlogy

    x, share = np.asarray(winners, np.int64), np.asarray(shares, float)
    if x.shape != share.shape or x.ndim != 1:
        raise InputError(f"winners and shares are of one length, not {x.shape} and {share.shape}")
    if (share < 0).any() or abs(share.sum() - 1) > 1e-6:
        raise InputError(f"shares are at least 0 and sum to 1, not to {share.sum():.6g}")
    n = int(x.sum())
    if ((share == 0) & (x > 0)).any():
        return 0.0
    x, share = x[share > 0], share[share > 0]

    def log_probability(table: NDArray) -> NDArray:
        return gammaln(n + 1) - gammaln(table + 1).sum(axis=-1) + xlogy(table, share).sum(axis=-1)

    observed = float(log_probability(x)) + np.log(TIE)
    if _n_compositions(n, len(x)) > MAX_OUTCOMES:
        drawn = np.random.default_rng(seed).multinomial(n, share, size=n_draws)
        return float((1 + (log_probability(drawn) <= observed).sum()) / (1 + n_draws))
    return float(min(_tail_by_enumeration(n, np.log(share), observed), 1.0))


def _n_compositions(n: int, groups: int) -> int:
    from math import comb

    return comb(n + groups - 1, groups - 1)


def _tail_by_enumeration(n: int, log_share: NDArray, at_most: float) -> float:
    """Σ of multinomial probabilities not above exp(at_most); the last two groups are vectorised."""
    from scipy.special import gammaln

    log_factorial = gammaln(np.arange(n + 1) + 1.0)
    if len(log_share) == 1:
        return 1.0
    total = 0.0
    open_branches = [(0, n, float(log_factorial[n]))]  # next group, people left, log probability so far
    while open_branches:
        group, left, so_far = open_branches.pop()
        if group < len(log_share) - 2:
            open_branches += [
                (group + 1, left - count, so_far + count * log_share[group] - log_factorial[count])
                for count in range(left + 1)
            ]
            continue
        a = np.arange(left + 1)
        logs = so_far - log_factorial[a] - log_factorial[left - a]
        logs = logs + a * log_share[-2] + (left - a) * log_share[-1]
        total += float(np.exp(logs[logs <= at_most]).sum())
    return total


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment (Holm 1979); NaN stays NaN and does not count as a test."""
    p = np.asarray(p_values, float)
    adjusted = np.full_like(p, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted

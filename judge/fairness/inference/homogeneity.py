"""Is a group's effect the same in all brackets? Zelen's exact test, and opposite effects that a sum hides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import TIE

#: Possible counts of all brackets together beyond which the test would hold too much.
MAX_SUPPORT = 20_000
#: Lots over which p is averaged where places fall by lot.
N_LOTS = 50


def homogeneity(
    counts: Counts,
    group: str,
    *,
    reference: str | None = None,
    n_permutations: int = 10_000,
    rng: np.random.Generator | int = 0,
) -> float:
    """p-value that the odds ratio of a group against the reference is the same in all brackets.

    Given everybody's brackets, the winners of each bracket and the group's winners over all of them, the group's
    winners by bracket have a distribution that no common odds ratio changes. The p-value is the probability of all
    divisions at most as likely as the observed one: enumerated for two brackets, from random divisions for more.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups. With lots: p is the mean over 50 lots.
    group, reference : str
        Groups of `counts`; reference None: all others.
    n_permutations : int
        Random divisions, at least 1. The observed one counts as one more, so p is never 0.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    float
        In (0, 1]. 1 where only one division is possible; NaN where fewer than two brackets leave anything to chance,
        and where the brackets have more than 20,000 possible counts.

    Raises
    ------
    InputError
        For a group that is not there and for fewer than one permutation.

    References
    ----------
    Zelen (1971), Biometrika 58:129; Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9:39, for counting the
    observed division.

    Examples
    --------
    2 against 18 of 100 each in one bracket, 18 against 2 in the other: together 20 against 20.

    >>> opposite = Counts([[100, 100], [100, 100]], [[2, 18], [18, 2]], ("a", "b"), ("one", "two"))
    >>> homogeneity(opposite, "a") < 1e-6
    True
    """
    if n_permutations < 1:
        raise InputError(f"n_permutations is at least 1, not {n_permutations}")
    if counts.lots is not None:
        p = [
            homogeneity(
                Counts(counts.entrants, won, counts.groups, counts.brackets),
                group,
                reference=reference,
                n_permutations=n_permutations,
                rng=rng,
            )
            for won in counts.lots.draws(N_LOTS, np.random.default_rng(0))
        ]
        known = [one for one in p if not np.isnan(one)]
        return float(np.mean(known)) if known else float("nan")
    pair = counts.against(group, reference)
    n1, n0, won = pair.entrants[:, 0], pair.entrants[:, 1], pair.winners.sum(axis=1)
    least, most = np.maximum(0, won - n0), np.minimum(n1, won)
    used = np.flatnonzero(most > least)
    if len(used) < 2 or (most - least)[used].sum() > MAX_SUPPORT:
        return float("nan")
    x = pair.winners[used, 0] - least[used]
    s = int(x.sum())
    if s in (0, int((most - least)[used].sum())):
        return 1.0
    # the group's winners of each bracket beyond the fewest possible, as log weights Π C(n₁, x) C(n₀, w − x)
    logs = [_log_weights(*map(int, margins)) for margins in zip(n1[used], n0[used], won[used], strict=True)]
    observed = sum(float(log[i]) for log, i in zip(logs, x, strict=True)) + np.log(TIE)
    # the tilt that centres the sum on s: without it, far in the tail, every product would underflow
    tilt = _centring_tilt(logs, s)
    weights = [_tilted(log, tilt) for log in logs]
    if len(used) == 2:
        first = np.arange(max(0, s - len(weights[1]) + 1), min(len(weights[0]) - 1, s) + 1)
        joint = logs[0][first] + logs[1][s - first]
        chance = np.exp(joint - joint.max())
        return float(min(chance[joint <= observed].sum() / chance.sum(), 1.0))
    drawn = _divisions(weights, s, n_permutations, np.random.default_rng(rng))
    value = sum(log[column] for log, column in zip(logs, drawn, strict=True))
    return float((1 + (value <= observed).sum()) / (1 + n_permutations))


def _log_weights(n1: int, n0: int, won: int) -> NDArray[np.float64]:
    """log C(n₁, x) C(n₀, w − x) from the smallest x, its largest value 0."""
    low, high = max(0, won - n0), min(n1, won)
    x = np.arange(low, high, dtype=float)
    steps = np.log((n1 - x) * (won - x) / ((x + 1) * (n0 - won + x + 1)))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    return logs - logs.max()


def _tilted(logs: NDArray, tilt: float) -> NDArray[np.float64]:
    """Probabilities of a bracket's counts under an odds ratio e^tilt."""
    log = logs + tilt * np.arange(len(logs))
    weight = np.exp(log - log.max())
    return weight / weight.sum()


def _centring_tilt(logs: list[NDArray], s: int) -> float:
    left, right = -40.0, 40.0
    for _ in range(50):
        middle = (left + right) / 2
        total = sum(float(_tilted(log, middle) @ np.arange(len(log))) for log in logs)
        left, right = (middle, right) if total < s else (left, middle)
    return (left + right) / 2


def _divisions(
    weights: list[NDArray], s: int, draws: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Random counts by bracket that sum to s, drawn from the last bracket backwards."""
    sums = [np.ones(1)]  # distribution of the sum of the first i brackets
    for weight in weights:
        sums.append(np.convolve(sums[-1], weight))
    left = np.full(draws, s)
    drawn: list[NDArray[np.int64]] = []
    for i in range(len(weights) - 1, -1, -1):
        count = np.empty(draws, np.int64)
        for rest in np.unique(left):
            lowest = max(0, rest - len(sums[i]) + 1)
            own = np.arange(lowest, min(len(weights[i]) - 1, rest) + 1)
            chance = np.cumsum(weights[i][own] * sums[i][rest - own])
            here = left == rest
            spot = np.searchsorted(chance, rng.random(int(here.sum())) * chance[-1], side="right")
            count[here] = own[np.minimum(spot, len(own) - 1)]
        left = left - count
        drawn.append(count)
    return drawn[::-1]

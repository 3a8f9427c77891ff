"""The Mann–Whitney test within brackets: exact, by drawn subsets, or by the normal curve, whichever the sizes ask for.

Under no difference each bracket's group is a random subset of the bracket's people, given all scores, ties included.
The count of wins is then the subset's sum of midranks, less a constant, added over brackets. All counts here are in
half wins, whole numbers whatever the ties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Additions of floats that an exact distribution may cost (some 20 milliseconds), and those that a step of Python is
#: worth; beyond it subsets are drawn.
EXACT_COST, STEP_COST = 15_000_000, 5_000
#: With more people than this on the smaller side, over all brackets, the normal curve stands in for drawn subsets: the
#: tails of 15 ranks are its to within a third at p = .001, on the safe side.
FEW = 15
#: Where fewer than RARE draws are as extreme, so many times more are drawn.
RARE, AGAIN = 20, 20
_CHUNK = 2_000_000


class RankTest(NamedTuple):
    """Two-sided p-value, twice the smaller tail, and the name of the way it was found."""

    p_value: float
    test: str


@dataclass(frozen=True)
class BracketRanks:
    """One bracket: group's people m, others n, half wins of the group, variance of its wins under no difference.

    place     number that tells the brackets apart in the random streams
    runs      () -> (k,) how many people of the two sides together share each score, from the lowest score up
    midranks  (positions among the m + n) -> (…,) twice the people below plus those tied, less oneself
    drawn     keeps drawn sums of ranks for other groups among the same people; None: they are of this group only
    """

    m: int
    n: int
    half_wins: int
    variance: float
    runs: Callable[[], NDArray[np.int64]]
    midranks: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    place: int = 0
    drawn: dict[tuple[int, int, int], NDArray[np.int64]] | None = None

    @property
    def cost(self) -> float:
        """Additions of the exact distribution: for every person, subsets of up to k people by their sum of ranks."""
        k = float(min(self.m, self.n))
        return (self.m + self.n) * (STEP_COST + 2 * k**2 * (self.m + self.n))


def rank_sum_test(brackets: Sequence[BracketRanks], *, n_permutations: int, seed: int) -> RankTest:
    """Of no difference in any bracket.

    brackets        at least one, each with people on both sides
    n_permutations  subsets drawn where the exact distribution is too long and the smaller side has at most FEW people
    seed            of these; a bracket's stream depends on it, the sizes and the place, so the same people have the
                    same p
    """
    observed = sum(b.half_wins for b in brackets)
    few = sum(min(b.m, b.n) for b in brackets)
    length = 1.0 + sum(2.0 * b.m * b.n for b in brackets)
    cost = sum(b.cost for b in brackets)
    if len(brackets) > 1:
        cost += length * max(2.0 * b.m * b.n for b in brackets)
    if cost <= EXACT_COST:
        pmf = np.ones(1)
        for b in brackets:
            pmf = np.convolve(pmf, half_wins_pmf(b.m, b.n, tuple(b.runs().tolist())))
        below, above = pmf[: observed + 1].sum(), pmf[observed:].sum()
        return RankTest(float(min(2 * min(below, above), 1.0)), "mann_whitney_exact")
    if few <= FEW:
        for draws in (n_permutations, AGAIN * n_permutations):
            drawn = _drawn_half_wins(brackets, draws, seed)
            hits = min(int((drawn <= observed).sum()), int((drawn >= observed).sum()))
            if hits >= RARE:
                break
        return RankTest(min(2 * (1 + hits) / (1 + draws), 1.0), "mann_whitney_permutation")
    return RankTest(_normal_p(brackets), "mann_whitney")


@lru_cache(maxsize=256)
def half_wins_pmf(m: int, n: int, runs: tuple[int, ...]) -> NDArray[np.float64]:
    """Probabilities of 0 … 2mn half wins of m people against n under no difference, given the ties.

    runs  how many of the m + n share each score, from the lowest up. The subset is built run by run: j of a run of t
    add j midranks in C(t, j) ways. All terms are positive, so small tails keep their precision. Without ties this is
    the distribution of R's pwilcox.
    """
    if m > n:
        return half_wins_pmf(n, m, runs)[::-1]
    if m == 1:
        pmf = np.zeros(2 * n + 1)
        sizes = np.array(runs)
        pmf[2 * (np.cumsum(sizes) - sizes) + sizes - 1] = sizes / sizes.sum()
        return pmf
    tied = max(runs) > 1
    unit = 2 if tied else 1
    # ways[j, s]: subsets of j people with unit · (sum of midranks from 0) = s
    ways = np.zeros((m + 1, unit * m * (m + n) + 1))
    ways[0, 0] = 1
    below = 0
    for t in runs:
        rank = unit * below + (t - 1 if tied else 0)
        fresh = ways.copy()
        choices = 1.0
        for j in range(1, min(t, m) + 1):
            choices *= (t - j + 1) / j
            shift = j * rank
            fresh[j:, shift:] += choices * ways[: m + 1 - j, : ways.shape[1] - shift]
        ways = fresh
        below += t
    least = unit * m * (m - 1) // 2
    found = ways[m, least : least + unit * m * n + 1]
    pmf = np.zeros(2 * m * n + 1)
    pmf[:: 2 // unit] = found / found.sum()
    pmf.setflags(write=False)
    return pmf


def _drawn_half_wins(brackets: Sequence[BracketRanks], draws: int, seed: int) -> NDArray[np.int64]:
    total = np.zeros(draws, np.int64)
    for b in brackets:
        k = min(b.m, b.n)
        key = (b.place, k, draws)
        wins = None if b.drawn is None else b.drawn.get(key)
        if wins is None:
            rng = np.random.default_rng([seed, b.m + b.n, *key])
            chunk = max(1, _CHUNK // _width(b.m + b.n, k))
            sizes = [min(chunk, draws - start) for start in range(0, draws, chunk)]
            sums = [b.midranks(_subsets(b.m + b.n, k, size, rng)).sum(axis=1) for size in sizes]
            wins = np.concatenate(sums) - k * (k - 1)
            if b.drawn is not None:
                b.drawn[key] = wins
        total += wins if b.m == k else 2 * b.m * b.n - wins
    return total


def _subsets(n: int, k: int, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(draws, k) positions below n, no two alike in a row: rows with repeats are drawn again, all of a row."""
    if _width(n, k) == n:
        return np.argpartition(rng.random((draws, n)), k - 1, axis=1)[:, :k]
    drawn = rng.integers(0, n, (draws, k))
    bad = np.arange(draws)
    while len(bad):
        row = np.sort(drawn[bad], axis=1)
        bad = bad[(row[:, 1:] == row[:, :-1]).any(axis=1)]
        drawn[bad] = rng.integers(0, n, (len(bad), k))
    return drawn


def _width(n: int, k: int) -> int:
    """Numbers drawn for a subset of k of n: all n where k would often repeat."""
    return n if k > n // 10 else k


def _normal_p(brackets: Sequence[BracketRanks]) -> float:
    """Continuity and ties corrected."""
    from scipy.special import ndtr

    variance = sum(b.variance for b in brackets)
    wins = sum(b.half_wins for b in brackets) / 2
    excess = max(abs(wins - sum(b.m * b.n for b in brackets) / 2) - 0.5, 0.0)
    return 1.0 if variance <= 0 else float(min(2 * ndtr(-excess / np.sqrt(variance)), 1.0))

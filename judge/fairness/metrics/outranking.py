"""The probability that a random member of one group outranks a random member of another, ties counted half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.intervals.ranks import Placements, outrank_interval, placements_of
from judge.fairness.inference.rank_sums import BracketRanks, rank_sum_test
from judge.fairness.inference.settings import Inference


class Outranking(NamedTuple):
    """Probability (½ is parity), limits, p of the Mann–Whitney test in brackets; methods; why there are no limits."""

    value: float
    low: float
    high: float
    p_value: float
    interval: str = ""
    test: str = ""
    flag: str = ""


def outrank_probability(
    score: ArrayLike,
    *,
    sensitive_feature: ArrayLike,
    group: str,
    reference: str | None = None,
    bracket: ArrayLike | None = None,
    confidence: float = 0.95,
    n_permutations: int = 10_000,
    rng: np.random.Generator | int = 0,
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
        Level, from 0.5 to below 1.
    n_permutations : int
        Subsets drawn for the p-value where at most 15 people stand against too many for the exact one.
    rng : numpy.random.Generator or int
        Of these.

    Returns
    -------
    Outranking
        value (½ is parity), low, high, p_value; NaN where one side is empty. interval: "DeLong logit t", or "Newcombe
        score" with fewer than 20 people on the smaller side; none, with the reason in flag, with fewer than 5. test:
        "mann_whitney_exact" (ties and brackets included), "mann_whitney_permutation", or "mann_whitney" for the normal
        curve, ties and continuity corrected. Two-sided p-values are twice the smaller tail.

    References
    ----------
    Mann & Whitney (1947), Ann. Math. Stat. 18:50; DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837;
    Newcombe (2006), Stat. Med. 25:559, method 5.

    Examples
    --------
    5 against 3 and 5: one win and one tie in two pairs.

    >>> found = outrank_probability([5, 3, 5], sensitive_feature=["a", "b", "b"], group="a")
    >>> found.value, found.p_value, found.flag
    (0.75, 1.0, 'n = 1: no interval below 5 people')
    """
    score = np.asarray(score, float)
    codes, names = pd.factorize(pd.Series(sensitive_feature).astype(str))
    code = np.zeros(len(score), np.int64) if bracket is None else pd.factorize(pd.Series(bracket))[0]
    order = np.lexsort((score, code))
    people = ByScore.of(score[order], code[order], codes[order], len(names))
    known = {name: i for i, name in enumerate(names)}
    if group not in known or (reference is not None and reference not in known):
        return Outranking(np.nan, np.nan, np.nan, np.nan)
    how = Inference(confidence, n_permutations=n_permutations, rng=rng)
    return people.outranking(known[group], None if reference is None else known[reference], how=how)


@dataclass(frozen=True)
class ByScore:
    """People sorted by bracket and then by rising score, so that a group costs its own size, not everybody's.

    edges     (brackets + 1,) where each bracket starts
    run       (n,) number of the run of equal scores of one bracket
    first     (runs + 1,) where each run starts
    members   (n,) positions, group by group     ends  (groups,) where each group's positions end
    """

    edges: NDArray[np.int64]
    run: NDArray[np.int32]
    first: NDArray[np.int64]
    members: NDArray[np.int64]
    ends: NDArray[np.int64]
    # of the people compared with, by (reference, bracket); made once, used by every group
    _ties: dict[tuple[int | None, int], float] = field(default_factory=dict, repr=False)
    _doubled: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False)
    _drawn: dict[tuple[int, int, int], NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, score: NDArray, bracket: NDArray, group: NDArray, groups: int) -> ByScore:
        """From sorted scores, their brackets and groups, both as integer codes from 0."""
        edges = np.searchsorted(bracket, np.arange(int(bracket.max(initial=-1)) + 2))
        new = np.ones(len(score), bool)
        new[1:] = score[1:] != score[:-1]
        new[edges[:-1][edges[:-1] < len(score)]] = True
        new[:1] = False  # the first run is number 0
        run = np.cumsum(new, dtype=np.int32)
        starts = np.flatnonzero(new)
        small = group.astype(np.uint16) if groups < 65_536 else group
        return cls(
            edges,
            run,
            np.concatenate([[0], starts, [len(score)]]) if len(score) else np.zeros(1, np.int64),
            np.argsort(small, kind="stable"),
            np.cumsum(np.bincount(group, minlength=groups)),
        )

    def outranking(self, group: int, reference: int | None, *, how: Inference) -> Outranking:
        """Of one group against a reference group, or all others."""
        pairings = list(self._pairings(group, reference))
        if not pairings:
            return Outranking(np.nan, np.nan, np.nan, np.nan)
        ranks = [ranks for ranks, _ in pairings]
        value = sum(b.half_wins for b in ranks) / 2 / sum(b.m * b.n for b in ranks)
        test = rank_sum_test(ranks, n_permutations=how.n_permutations, seed=how.seed())
        limits = outrank_interval(value, [sides for _, sides in pairings], confidence=how.confidence)
        return Outranking(
            value, limits.low, limits.high, test.p_value, limits.interval, test.test, limits.flag
        )

    def _people(self, group: int) -> NDArray[np.int64]:
        return self.members[(self.ends[group - 1] if group else 0) : self.ends[group]]

    def _pairings(
        self, group: int, reference: int | None
    ) -> Iterator[tuple[BracketRanks, tuple[Placements, Placements]]]:
        """Ranks and placements of each bracket with people on both sides."""
        mine = self._people(group)
        base = None if reference is None else self._people(reference)
        cuts = np.searchsorted(mine, self.edges)
        for b in np.flatnonzero(np.diff(cuts)).tolist():
            left, right = int(self.edges[b]), int(self.edges[b + 1])
            a = mine[cuts[b] : cuts[b + 1]]
            against = (
                None if base is None else base[np.searchsorted(base, left) : np.searchsorted(base, right)]
            )
            n = right - left - len(a) if against is None else len(against)
            if n > 0:
                yield self._pairing(a, against, left, right, n, self._ties_of(reference, b, against))

    def _pairing(
        self, a: NDArray, against: NDArray | None, left: int, right: int, n: int, ties: float
    ) -> tuple[BracketRanks, tuple[Placements, Placements]]:
        m = len(a)
        # members at each distinct score: how many, and how many others below and tied
        runs = self.run[a]
        starts = np.flatnonzero(np.concatenate([[True], runs[1:] != runs[:-1]]))
        runs = runs[starts]
        own = np.diff(np.append(starts, m))
        lower = np.cumsum(own) - own
        if against is None:
            below = self.first[runs] - left - lower
            tied = self.first[runs + 1] - self.first[runs] - own
        else:
            below = np.searchsorted(against, self.first[runs])
            tied = np.searchsorted(against, self.first[runs + 1]) - below
        # others stand beside a run of members, or between two runs
        between = np.diff(np.concatenate([[0], below, [n]]))
        between[1:] -= tied
        passed = np.concatenate([[0], lower + own])
        placed = np.concatenate([(lower + own / 2), passed]) / m
        sides = (
            placements_of((below + tied / 2) / n, own),
            placements_of(1 - placed, np.concatenate([tied, between])),
        )
        if against is not None:
            ties += _cubes(own + tied) - _cubes(tied)
        ranks = BracketRanks(
            m,
            n,
            int((own * (2 * below + tied)).sum()),
            m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1))),
            lambda: self._run_sizes(a, against, left, right),
            lambda drawn: self._midranks(drawn, a, against, left),
            left,
            self._drawn if against is None else None,
        )
        return ranks, sides

    def _ties_of(self, reference: int | None, bracket: int, against: NDArray | None) -> float:
        """Σ (t³ − t) over the scores that people of a bracket share: everybody's, or the reference's."""
        key = (reference, bracket)
        if key not in self._ties:
            if against is None:
                left, right = int(self.edges[bracket]), int(self.edges[bracket + 1])
                sizes = np.diff(self.first[self.run[left] : self.run[right - 1] + 2])
            else:
                sizes = _sizes(self.run[against])
            self._ties[key] = _cubes(sizes)
        return self._ties[key]

    def _run_sizes(self, a: NDArray, against: NDArray | None, left: int, right: int) -> NDArray[np.int64]:
        """People of both sides at each distinct score, from the lowest."""
        if against is None:
            low, high = self.run[left], self.run[right - 1]
            return np.diff(self.first[low : high + 2])
        return _sizes(np.sort(self.run[np.concatenate([a, against])]))

    def _midranks(self, drawn: NDArray, a: NDArray, against: NDArray | None, left: int) -> NDArray[np.int64]:
        """Twice the people below plus those tied, less oneself; people numbered from 0, the others before a."""
        if against is None:
            run = self.run[left + drawn]
            return self.first[run] + self.first[run + 1] - 2 * left - 1
        key = int(against[0])
        if key not in self._doubled:
            sizes = _sizes(self.run[against])
            ends = np.cumsum(sizes)
            self._doubled[key] = np.repeat(2 * ends - sizes, sizes)
        other = drawn < len(against)
        ranks = np.empty(drawn.shape, np.int64)
        ranks[other] = self._doubled[key][drawn[other]]
        at = self.first[self.run[a]], self.first[self.run[a] + 1]
        own = np.searchsorted(against, at[0]) + np.searchsorted(against, at[1])
        ranks[~other] = own[drawn[~other] - len(against)]
        run = np.empty(drawn.shape, self.run.dtype)
        run[other] = self.run[against[drawn[other]]]
        run[~other] = self.run[a[drawn[~other] - len(against)]]
        ranks += np.searchsorted(a, self.first[run])
        ranks += np.searchsorted(a, self.first[run + 1])
        return ranks - 1


def _sizes(run: NDArray) -> NDArray[np.int64]:
    """Lengths of the runs of equal numbers."""
    starts = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]]))
    return np.diff(np.append(starts, len(run)))


def _cubes(sizes: NDArray) -> float:
    """Σ (t³ − t)."""
    t = sizes.astype(float)
    return float((t**3 - t).sum())

"""Outranking of one group from sums, and its test: by the normal curve, or from the collected people of both sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.collected import Collected
from judge.fairness.audit.scale.stream.ranks import RankSums
from judge.fairness.inference.intervals.ranks import Placements, outrank_interval
from judge.fairness.inference.rank_sums import FEW, BracketRanks, rank_sum_test
from judge.fairness.inference.settings import Inference
from judge.fairness.metrics.outranking import Outranking

#: wanted cells (brackets, groups), those of which everybody is taken → people
Collect = Callable[[NDArray[np.bool_], NDArray[np.bool_]], Collected]


def outranking(sums: RankSums, group: int, *, collect: Collect, most: int, how: Inference) -> Outranking:
    """Of one group against the reference of the sums, as `judge.fairness.metrics.outranking.ByScore` says it.

    collect   gives the people of a comparison, at most `most` of the others
    """
    n, base = sums.n, sums.base
    size = n.sum(axis=1)
    left = (
        np.cumsum(size[::-1])[::-1] - size
    )  # people in brackets of higher code: there, brackets come in that order
    against = sums.against.reshape(n.shape)[:, group]
    used = [b for b in range(len(n) - 1, -1, -1) if n[b, group] > 0 and against[b] > 0]
    if not used:
        return Outranking(np.nan, np.nan, np.nan, np.nan)
    wins = sums.half_wins.reshape(n.shape)[:, group]
    pairs = sum(int(n[b, group]) * int(against[b]) for b in used)
    value = sum(int(wins[b]) for b in used) / 2 / pairs
    sides = [(_placements(sums, "own", b, group), _placements(sums, "other", b, group)) for b in used]
    wanted = np.zeros(n.shape, bool)
    wanted[used, :] = True
    if base is not None:
        wanted[:, [g for g in range(n.shape[1]) if g not in (group, base)]] = False
    others = sum(int(against[b]) for b in used)
    few = sum(min(int(n[b, group]), int(against[b])) for b in used)
    own = np.zeros(n.shape, bool)
    own[:, group] = True
    members = int(n[used, group].sum())
    smaller = own if members <= others else ~own
    remark = ""
    found: list[Collected] = []  # once, and only if the test asks for people

    def people() -> Collected:
        if not found:
            found.append(collect(wanted, smaller))
        return found[0]

    if few <= FEW and others + members > most:
        ranks = [_sampled(people().of(b), group, int(left[b])) for b in used]
        drawn = sum(b.m + b.n for b in ranks)
        remark = f"p from {drawn:,} of these {others + members:,} people, drawn at random (--seed)"
    else:
        ranks = [_exact(sums, b, group, int(left[b]), people) for b in used]
    test = rank_sum_test(ranks, n_permutations=how.n_permutations, seed=how.seed())
    limits = outrank_interval(value, sides, confidence=how.confidence)
    flag = "; ".join(part for part in (limits.flag, remark) if part)
    return Outranking(value, limits.low, limits.high, test.p_value, limits.interval, test.test, flag)


def _placements(sums: RankSums, side: str, bracket: int, group: int) -> Placements:
    moments, cell = getattr(sums, side), bracket * sums.n.shape[1] + group
    n = int(moments.n[cell])
    return Placements(n, float(moments.mean[cell]), float(moments.squares[cell]) / n)


def _exact(
    sums: RankSums, bracket: int, group: int, left: int, people: Callable[[], Collected]
) -> BracketRanks:
    cell = bracket * sums.n.shape[1] + group
    m, n = int(sums.n[bracket, group]), int(sums.against[cell])
    ties = float(sums.ties_of_others[bracket] + sums.ties_of_pair[cell])
    variance = m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1)))

    def runs() -> NDArray[np.int64]:
        return _runs(people().of(bracket))

    def midranks(drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        both = people().of(bracket)
        return _midranks(both, group if sums.base is not None else None)[drawn]

    return BracketRanks(m, n, int(sums.half_wins[cell]), variance, runs, midranks, left)


def _sampled(both: Collected, group: int, left: int) -> BracketRanks:
    """The comparison among the collected people alone."""
    doubled = _midranks(both, None)
    member = both.group[::-1] == group
    m = int(member.sum())
    n = len(member) - m
    ties = float(((runs := _runs(both).astype(float)) ** 3 - runs).sum())
    variance = m * n / 12 * ((m + n + 1) - ties / max((m + n) * (m + n - 1), 1))
    wins = int(doubled[member].sum()) - m * (m - 1)
    return BracketRanks(m, n, wins, variance, lambda: _runs(both), lambda drawn: doubled[drawn], left)


def _runs(both: Collected) -> NDArray[np.int64]:
    """People of both sides at each score, from the lowest up."""
    above = both.above[::-1]
    starts = np.flatnonzero(np.concatenate([[True], above[1:] != above[:-1]]))
    return np.diff(np.append(starts, len(above)))


def _midranks(both: Collected, last: int | None) -> NDArray[np.int64]:
    """Twice the people below plus those tied, less oneself, of each from the lowest up; a group may come last."""
    sizes = _runs(both)
    ends = np.cumsum(sizes)
    doubled = np.repeat(2 * ends - sizes, sizes) - 1
    if last is None:
        return doubled
    member = both.group[::-1] == last
    return np.concatenate([doubled[~member], doubled[member]])
